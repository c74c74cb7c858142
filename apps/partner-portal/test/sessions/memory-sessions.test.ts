import session from "express-session";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MemorySessions } from "../../src/sessions/memory-sessions.js";
import { openStage } from "../support/portal-stage.js";
import { visitor } from "../support/visitor.js";

afterEach(() => void vi.useRealTimers());

const lengthOf = (store: MemorySessions): Promise<number | undefined> =>
  new Promise((resolve) => store.length((_error, length) => resolve(length)));

const read = (store: MemorySessions, id: string): Promise<session.SessionData | null | undefined> =>
  new Promise((resolve) => store.get(id, (_error, found) => resolve(found)));

/** A session that ends in so many milliseconds. */
const lasting = (maxAge: number): session.SessionData => ({
  cookie: Object.assign(new session.Cookie(), { maxAge }),
});

describe("logins that nobody completes", () => {
  it("leave nothing in memory once they have expired", async () => {
    const sessionStore = new MemorySessions();
    await using stage = await openStage({ sessionStore });
    for (let count = 0; count < 20; count++) {
      const guest = visitor(stage.origin);
      expect((await guest.visit("/auth/login")).status).toBe(302);
      const [line = ""] = guest.cookieLines;
      const expires = Date.parse(/Expires=([^;]+)/.exec(line)?.[1] ?? "");
      expect(Math.abs(expires - Date.now() - 600_000)).toBeLessThan(60_000);
    }
    expect(await lengthOf(sessionStore)).toBe(20);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 700_000 });
    await visitor(stage.origin).visit("/auth/login");
    expect(await lengthOf(sessionStore)).toBe(1);
  });

  it("do not shorten the session of a user who signs in or is signed in", async () => {
    const sessionStore = new MemorySessions();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    await guest.visit("/auth/login");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    expect((await guest.visit("/reports")).status).toBe(200);
    expect(await lengthOf(sessionStore)).toBe(1);
  });
});

describe("sessions in memory", () => {
  it("are evicted when there are too many, the next to expire first", async () => {
    const store = new MemorySessions(3);
    for (const [id, maxAge] of [
      ["signed in", 8 * 3_600_000],
      ["begun early", 100_000],
      ["begun late", 200_000],
      ["also signed in", 9 * 3_600_000],
    ] as const) {
      store.set(id, lasting(maxAge));
    }
    expect(await lengthOf(store)).toBe(3);
    expect(await read(store, "begun early")).toBeNull();
    expect(await read(store, "signed in")).toMatchObject({ cookie: {} });
  });

  it("live on while they are used, and expire when they are not", async () => {
    const store = new MemorySessions();
    const begunAt = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: begunAt });
    for (const id of ["touched", "forgotten", "destroyed"]) store.set(id, lasting(100_000));
    store.destroy("destroyed");
    expect(await lengthOf(store)).toBe(2);
    vi.setSystemTime(begunAt + 90_000);
    store.touch("touched", lasting(100_000));
    store.touch("unknown", lasting(100_000));
    vi.setSystemTime(begunAt + 110_000);
    expect(await read(store, "touched")).not.toBeNull();
    expect(await read(store, "forgotten")).toBeNull();
    expect(await lengthOf(store)).toBe(2);
  });
});
