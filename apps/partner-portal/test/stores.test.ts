import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { encryptedStore, memoryStore, type TokenStore } from "@talkdesk-oauth/core";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { type SessionData, Store } from "express-session";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { StoredSessions } from "../src/sessions/stored-sessions.js";
import { openStage, servePortal, sessionSecret } from "./support/portal-stage.js";
import { temporaryFolder } from "./support/temporary-folder.js";
import { locationOf, visitor } from "./support/visitor.js";

/** A store of sessions as anybody may write one: it keeps texts, as a database does, and can be made to fail. */
class TextStore extends Store {
  readonly texts = new Map<string, string>();
  readonly broken = new Set<"get" | "set" | "touch" | "destroy">();

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const text = this.texts.get(id);
    this.answer("get", (error) => callback(error, error || text === undefined ? null : JSON.parse(text)));
  }
  override set(id: string, session: SessionData, callback: (error?: unknown) => void = () => {}): void {
    if (!this.broken.has("set")) this.texts.set(id, JSON.stringify(session));
    this.answer("set", callback);
  }
  override touch(_id: string, _session: SessionData, callback: (error?: unknown) => void = () => {}): void {
    this.answer("touch", callback);
  }
  override destroy(id: string, callback: (error?: unknown) => void = () => {}): void {
    if (!this.broken.has("destroy")) this.texts.delete(id);
    this.answer("destroy", callback);
  }
  private answer(verb: "get" | "set" | "touch" | "destroy", callback: (error?: unknown) => void): void {
    setImmediate(() =>
      callback(this.broken.has(verb) ? new Error(`redis://:hunter2@sessions ${verb}`) : undefined),
    );
  }
}

/** Keeps the texts of a store of tokens within reach of a test. */
function watched(store: TokenStore, written: string[], keys: Set<string>): TokenStore {
  return {
    ...store,
    write(key, value, options) {
      written.push(value);
      keys.add(key);
      return store.write(key, value, options);
    },
  };
}

describe("a portal with stores of its own", () => {
  it("keeps sessions in one store, and encrypted tokens in the other", async () => {
    const sessionStore = new TextStore();
    const written: string[] = [];
    const keys = new Set<string>();
    const tokens = memoryStore();
    const tokenStore = encryptedStore(
      watched(tokens, written, keys),
      "a secret of the tests, for tokens alone",
    );
    await using stage = await openStage({ sessionStore, tokenStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    expect((await guest.visit("/profile")).status).toBe(200);

    expect(sessionStore.texts.size).toBe(1);
    expect(written).toHaveLength(1);
    const [authorization = ""] = stage.talkdesk.requests
      .to("api")
      .map(({ headers }) => headers["authorization"]);
    const token = authorization.replace("Bearer ", "");
    expect(token.length).toBeGreaterThan(20);
    expect([...sessionStore.texts.values(), ...written].join("\n")).not.toContain(token);

    const [key = ""] = keys;
    expect(await tokens.read(key)).toBeDefined();
    await guest.visit("/auth/logout", { form: {} });
    expect(sessionStore.texts.size).toBe(0);
    expect(await tokens.read(key)).toBeUndefined();
  });

  it("shares them with a second portal: a login or a logout at one holds at both", async () => {
    const sessionStore = new TextStore();
    const tokens = memoryStore();
    const secret = "a secret of the tests, for tokens alone";
    await using stage = await openStage({ sessionStore, tokenStore: encryptedStore(tokens, secret) });
    await using second = await servePortal({
      client: stage.client,
      origin: stage.origin,
      sessionSecret,
      contact: "help@example.com",
      sessionStore,
      tokenStore: encryptedStore(tokens, secret),
    });
    const guest = visitor(stage.origin);
    const there = visitor(second.origin);
    // One address in front of both, and so the same cookies.
    const visitSecond = (path: string, form?: Record<string, string>) => {
      const [cookie = ""] = [...guest.cookies].map(([name, value]) => `${name}=${value}`);
      return there.visit(path, { headers: { cookie }, ...(form && { form }) });
    };
    await guest.signIn();
    const profile = await visitSecond("/profile");
    expect(profile.status).toBe(200);
    expect(profile.text).toContain(
      (await guest.visit("/profile")).text.match(/\S+@users\.example/)?.[0] ?? "no one",
    );
    expect(stage.talkdesk.requests.to("token")).toHaveLength(1);

    stage.talkdesk.faults.revokeTokens();
    expect((await visitSecond("/contacts")).status).toBe(200);
    expect((await guest.visit("/contacts")).status).toBe(200);
    expect(stage.talkdesk.requests.to("token")).toHaveLength(2);

    const report = await visitSecond("/reports", { from: "2026-01-01", to: "2026-01-07" });
    expect((await guest.visit(locationOf(report))).text).toMatch(/Calls, 1\s?–\s?7 January 2026/);

    await visitSecond("/auth/logout", {});
    expect((await guest.visit("/profile")).status).toBe(302);
    expect((await visitSecond("/profile")).status).toBe(302);
  });
});

describe("a store of sessions that fails", () => {
  it("to read leads to an error page, and signs nobody in as another user", async () => {
    const sessionStore = new TextStore();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    sessionStore.broken.add("get");
    for (const path of [
      "/profile",
      "/",
      "//evil.example/",
      "/auth/callback?code=c&state=s",
      "/reports/x/events",
    ]) {
      const { status, text, headers } = await guest.visit(stage.origin + path);
      expect([path, status]).toEqual([path, 500]);
      expect(text).toContain("Something went wrong");
      expect(text).not.toMatch(/hunter2|evil|code=c|Sign out/);
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["cache-control"]).toBe("no-store");
    }
    sessionStore.broken.clear();
    expect((await guest.visit("/profile")).status).toBe(200);
  });

  it("to write at the login fails the login, and leaves nobody signed in", async () => {
    const sessionStore = new TextStore();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    sessionStore.broken.add("set");
    const { status, text } = await guest.visit("/auth/login");
    expect(status).toBe(500);
    expect(text).toContain("Something went wrong");
    expect(text).not.toContain("hunter2");
    sessionStore.broken.clear();
    expect((await guest.visit("/profile")).status).toBe(302);
  });

  it("to write after a page is ready lets the whole page through, and is logged", async () => {
    const sessionStore = new TextStore();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    const whole = (await guest.visit("/contacts")).text;
    sessionStore.broken.add("touch").add("set");
    const { status, text } = await guest.visit("/contacts");
    expect(status).toBe(200);
    expect(text).toBe(whole);
    await expect.poll(() => stage.log).toHaveLength(1);
  });

  it("to write keeps the connection open for other requests", async () => {
    const sessionStore = new TextStore();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    // The first page writes the session, and later ones touch it.
    await guest.visit("/reports");
    sessionStore.broken.add("touch");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const isReused = async (): Promise<boolean> => {
      const sent = request(`${stage.origin}/reports`, {
        headers: { cookie, accept: "text/html" },
        agent,
      }).end();
      const [answer] = (await once(sent, "response")) as [IncomingMessage];
      await once(answer.resume(), "end");
      return sent.reusedSocket;
    };
    expect(await isReused()).toBe(false);
    await expect.poll(() => stage.log).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await isReused()).toBe(true);
    agent.destroy();
  });

  it("to delete at the logout still ends the tokens", async () => {
    const sessionStore = new TextStore();
    await using stage = await openStage({ sessionStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    sessionStore.broken.add("destroy");
    expect((await guest.visit("/auth/logout", { form: {} })).status).toBe(500);
    sessionStore.broken.clear();
    const before = stage.talkdesk.requests.to("api").length;
    expect((await guest.visit("/contacts")).status).not.toBe(200);
    expect(stage.talkdesk.requests.to("api")).toHaveLength(before);
  });
});

describe("a store of tokens that fails", () => {
  it("makes users wait, and not sign in again", async () => {
    const tokens = memoryStore();
    let isDown = false;
    const failing =
      <T extends unknown[], R>(work: (...args: T) => Promise<R>) =>
      async (...args: T): Promise<R> => {
        if (isDown) throw new Error("redis://:hunter2@tokens");
        return work(...args);
      };
    const tokenStore: TokenStore = {
      read: failing(tokens.read),
      write: failing(tokens.write),
      delete: failing(tokens.delete),
      lock: failing(tokens.lock),
    };
    await using stage = await openStage({ tokenStore });
    const guest = visitor(stage.origin);
    await guest.signIn();
    stage.talkdesk.faults.revokeTokens();
    isDown = true;
    const { status, text } = await guest.visit("/contacts");
    expect(status).toBe(503);
    expect(text).toContain("The portal cannot read or save your session");
    expect(text).not.toContain("hunter2");
    isDown = false;
  });
});

describe("a disk that is full", () => {
  it("keeps users from signing in, who are told, and nobody from what is stored already", async () => {
    using folder = temporaryFolder();
    const database = new Database(join(folder.path, "portal.db"));
    const store = sqliteStore(database);
    const sessionStore = new StoredSessions(store, () => undefined);
    await using stage = await openStage({ sessionStore, tokenStore: store });
    const guest = visitor(stage.origin);
    await guest.signIn();
    database.exec("PRAGMA max_page_count = 1");
    await fill(store);

    const late = visitor(stage.origin);
    const { status, text } = await late.visit("/auth/login");
    expect(status).toBe(503);
    expect(text).toContain("The portal cannot read or save your session");
    expect(stage.log.join("\n")).toContain("The store of sessions failed with SQLITE_FULL.");
    expect((await guest.visit("/contacts")).status).toBe(200);

    database.exec("PRAGMA max_page_count = 100000");
    await late.signIn();
    expect((await late.visit("/contacts")).status).toBe(200);
  });

  /** Writes until not even a small record fits. */
  async function fill(store: TokenStore): Promise<void> {
    for (const length of [1_000, 1]) {
      for (let count = 0, isWritten = true; isWritten; count++) {
        isWritten = await store.write(`${length}/${count}`, "x".repeat(length), { expectedVersion: 0 }).then(
          () => true,
          () => false,
        );
      }
    }
  }
});
