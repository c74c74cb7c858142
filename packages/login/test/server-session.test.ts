import { type ServerSessionCalls, serverSession } from "@talkdesk-oauth/login";
import { describe, expect, it, vi } from "vitest";

/** A request of a framework that keeps its sessions on the server, by id. */
interface AppRequest {
  session: Record<string, unknown> | undefined;
  id: string;
}

/** Opens the session "old". The store has what `stored` says; `own` are calls that behave differently. */
function open(
  stored: Record<string, unknown> | undefined,
  own: Partial<ServerSessionCalls<AppRequest>> = {},
) {
  const store = new Map<string, unknown>();
  if (stored !== undefined) store.set("old", stored);
  const request: AppRequest = { session: { ...stored }, id: "old" };
  const current = vi.fn(({ session }: AppRequest) => {
    if (session === undefined) throw new TypeError("no session");
    return session;
  });
  const openSession = serverSession<AppRequest>({
    current,
    id: ({ id }) => id,
    read: async ({ id }) => store.get(id) as Record<string, unknown> | undefined,
    async save({ id, session }) {
      store.set(id, structuredClone(session));
    },
    async regenerate(asked) {
      store.delete(asked.id);
      Object.assign(asked, { id: "new", session: { cookie: "new" } });
    },
    async destroy(asked) {
      store.delete(asked.id);
      asked.session = undefined;
    },
    forget(asked) {
      asked.session = undefined;
    },
    ...own,
  });
  return { ...openSession(request), request, store, current };
}

const answer = new Response();
const records = { login: { pending: [] } };
const fail = (code?: string) => async (): Promise<never> => {
  throw Object.assign(new Error("the store is down"), { code });
};

describe("serverSession()", () => {
  it("does not touch the session of a request before a member is used", () => {
    const { current, session } = open({});
    expect(current).not.toHaveBeenCalled();
    expect([session.id, session.loaded]).toEqual(["old", {}]);
    expect(current).toHaveBeenCalled();
  });

  it("keeps the records in one member, beside the app's own data", async () => {
    const { session, store, commit, request } = open({ cart: 1 });
    expect(await session.read()).toEqual({});
    await session.write(records);
    expect(store.get("old")).toEqual({ cart: 1, talkdeskLogins: records });
    expect([session.loaded, await session.read()]).toEqual([records, records]);
    expect(commit(answer)).toBe(answer);
    expect(request.session).toBeDefined();
  });

  it("reads the store and not the copy that came with the request", async () => {
    const { session, store } = open({});
    store.set("old", { talkdeskLogins: records });
    expect([session.loaded, await session.read()]).toEqual([{}, records]);
  });

  it.each([
    ["undefined", async () => undefined],
    ["null", async () => null],
    ["the error ENOENT", fail("ENOENT")],
  ])("takes a session away from its request when the store answers %s", async (_what, read) => {
    const { session, commit, request } = open({}, { read });
    expect(await session.read()).toBeUndefined();
    expect(request.session).toBeDefined();
    commit(answer);
    expect(request.session).toBeUndefined();
  });

  it("leaves a session to its request that was written after the store did not have it", async () => {
    const { session, commit, request } = open(undefined);
    expect(await session.read()).toBeUndefined();
    await session.write(records);
    commit(answer);
    expect(request.session).toEqual({ talkdeskLogins: records });
  });

  it.each(["read", "save", "destroy"] as const)(
    "takes a session away from its request while the store has not answered %s",
    async (name) => {
      let end = (): void => {};
      const hanging = new Promise<undefined>((resolve) => {
        end = () => resolve(undefined);
      });
      const { session, commit, request } = open({}, { [name]: () => hanging });
      const calls = { read: session.read, save: () => session.write(records), destroy: session.drop };
      const call = calls[name]();
      commit(answer);
      expect(request.session).toBeUndefined();
      request.session = {};
      end();
      await call;
      if (name === "save") {
        commit(answer);
        expect(request.session).toEqual({});
      }
    },
  );

  it("rejects with the error of the store, and leaves the session to its request", async () => {
    const { session, commit, request } = open({}, { read: fail("EIO"), save: fail(), destroy: fail() });
    for (const call of [session.read(), session.write(records), session.drop()]) {
      await expect(call).rejects.toThrow("the store is down");
    }
    commit(answer);
    expect(request.session).toBeDefined();
  });

  it("removes the session", async () => {
    const { session, store, request } = open({});
    await session.drop();
    expect([store.size, request.session]).toEqual([0, undefined]);
  });

  it.each([
    [false, {}],
    [["cart"], { cart: 2 }],
    [true, { cart: 2, locale: "pt" }],
  ])("renews a session and keeps %j of what the store has", async (keep, kept) => {
    const { session, store } = open({ cart: 1 });
    store.set("old", { cart: 2, locale: "pt", cookie: "old", talkdeskLogins: { old: {} } });
    await session.read();
    await session.renew(records, keep);
    expect(session.id).toBe("new");
    expect([...store]).toEqual([["new", { cookie: "new", ...kept, talkdeskLogins: records }]]);
  });

  it.each(["regenerate", "save"])("forgets a session whose renewal fails to %s", async (name) => {
    const { session, request } = open({}, { [name]: fail() });
    await session.read();
    await expect(session.renew(records, false)).rejects.toThrow("the store is down");
    expect(request.session).toBeUndefined();
  });

  it("changes nothing when the headers were sent already", async () => {
    const { session, store, request } = open({}, { areHeadersSent: () => true });
    await expect(session.read()).rejects.toThrow("cannot set a cookie");
    await expect(session.renew(records, true)).rejects.toThrow("cannot set a cookie");
    expect([[...store], request.session]).toEqual([[["old", {}]], {}]);
  });
});
