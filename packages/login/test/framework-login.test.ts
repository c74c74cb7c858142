import {
  accessToken,
  type Clock,
  clientSecretBasic,
  memoryStore,
  type TalkdeskClient,
  TalkdeskError,
  type TokenStore,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import {
  type FrameworkCalls,
  frameworkLogin,
  type LoginFailure,
  type LoginRecords,
  type LoginSession,
  loginRequired,
  notedSession,
  type OpenSession,
  PRIVATE_HEADERS,
  type TalkdeskLoginOptions,
} from "@talkdesk-oauth/login";
import { describe, expect, it, vi } from "vitest";

const ORIGIN = "https://app.example.com";

interface AppRequest {
  readonly path: string;
  readonly cookie?: string;
  readonly records?: LoginRecords;
}
type OnError = (failure: LoginFailure) => string;

/** The platform's clock, which a test can set forward. */
function movableClock(): { clock: Clock; advance(ms: number): void } {
  let aheadMs = 0;
  return {
    clock: {
      now: () => Date.now() + aheadMs,
      monotonic: () => performance.now() + aheadMs,
      setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    },
    advance(ms) {
      aheadMs += ms;
    },
  };
}

const clientOfApp = talkdeskClient({
  account: "acme",
  authentication: clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" }),
});

function make(
  calls: Partial<FrameworkCalls<AppRequest, OnError>> = {},
  options: Partial<TalkdeskLoginOptions<AppRequest>> = {},
) {
  const login = frameworkLogin<AppRequest, OnError>(
    {
      client: clientOfApp,
      redirectUri: `${ORIGIN}/auth/callback`,
      store: memoryStore(),
      contact: "help@example.com",
      ...options,
    },
    { headers: ({ cookie }) => new Headers(cookie === undefined ? {} : { cookie }), ...calls },
  );
  const answer = (host: AppRequest) =>
    login.answer({ request: new Request(`${ORIGIN}${host.path}`), mount: "/auth", host });
  return { ...login, answer };
}

/** A session whose store has nothing. */
const session = (own: Partial<LoginSession> = {}): LoginSession => {
  const nothing = async (): Promise<undefined> => undefined;
  return { id: "an-id", read: nothing, write: nothing, renew: nothing, drop: nothing, ...own };
};

/** A session of a framework, whose commits are counted. */
function sessionOfFramework(own: Partial<LoginSession> = {}) {
  const commit = vi.fn<OpenSession["commit"]>((answer) => answer);
  return { session: session(own), commit };
}

const down = async (): Promise<never> => {
  throw new Error("the store of sessions is down");
};

describe("the session of a request", () => {
  it.each([
    [`${ORIGIN}/auth/callback`, /^__Host-talkdesk-session=[\w-]{43}; Path=\/; Secure;/],
    ["http://localhost:3000/auth/callback", /^talkdesk-session=[\w-]{43}; Path=\/; HttpOnly;/],
  ])("is in the token store by default, with a cookie that fits %s", async (redirectUri, cookie) => {
    const { answer } = make({}, { redirectUri });
    const begun = await answer({ path: "/auth/login" });
    expect(begun.answer?.status).toBe(302);
    expect(begun.answer?.headers.get("set-cookie")).toMatch(cookie);
  });

  it("is found again by the cookie of the request", async () => {
    const store = memoryStore();
    const read = vi.fn<TokenStore["read"]>((key) => store.read(key));
    const { answer, open } = make({}, { store: { ...store, read } });
    const begun = await answer({ path: "/auth/login" });
    const [cookie = ""] = (begun.answer?.headers.get("set-cookie") ?? "").split(";");
    const records = await open({ path: "/", cookie }).session.read();
    expect(Object.values(records ?? {})).toEqual([{ pending: [expect.objectContaining({ returnTo: "/" })] }]);
    expect(read).toHaveBeenCalled();
  });

  it("is that of the framework where it has one", async () => {
    const own = sessionOfFramework();
    const openSession = vi.fn((host: AppRequest) => (host.path === "/other" ? undefined : own));
    const { answer, open } = make({ openSession });
    const begun = await answer({ path: "/auth/login" });
    expect(begun.answer?.headers.get("set-cookie")).toBeNull();
    expect(own.commit).toHaveBeenCalledExactlyOnceWith(begun.answer);
    expect(open({ path: "/other" })).not.toBe(own);
  });

  it("is that of the option session before all others", async () => {
    const own = session();
    const { open } = make({ session: () => own, openSession: () => sessionOfFramework() });
    const { session: found, commit } = open({ path: "/" });
    const answer = new Response();
    expect([found, commit(answer)]).toEqual([own, answer]);
    expect(found).toBe(own);
  });

  it("is opened once for each request, and apart for each login", async () => {
    const openSession = vi.fn(() => sessionOfFramework());
    const [one, other] = [make({ openSession }), make({ openSession })];
    const request = { path: "/auth/login" };
    await one.source(request);
    await one.user(request);
    await one.answer(request);
    expect(openSession).toHaveBeenCalledTimes(1);
    other.open(request);
    one.open({ path: "/" });
    expect(openSession).toHaveBeenCalledTimes(3);
  });

  it("is noted on the request when its user is looked for, and only then", async () => {
    const login = make();
    const request = { path: "/auth/login" };
    await login.user(request);
    await login.answer(request);
    expect(notedSession(request)).toBeUndefined();
    await login.source(request);
    expect(notedSession(request)).toBe(login.open(request).session);
    expect(notedSession({ path: "/" })).toBeUndefined();
  });
});

describe("the source of a user who is signed in", () => {
  const name = Buffer.from(`${ORIGIN}/auth/callback`).toString("base64url");
  const keyOf = (user: number): string => String(user).padStart(43, "k");
  const requestOf = (user: number, signIn: object = {}): AppRequest => ({
    path: "/",
    records: { [name]: { pending: [], signIn: { key: keyOf(user), ...signIn } } },
  });
  const loadedRecords = ({ records }: AppRequest): LoginRecords | undefined => records;

  const users = Array.from({ length: 1_001 }, (_, user) => user);

  /** Makes a store with the tokens of all users, and counts its reads. */
  async function storeOfUsers() {
    const store = memoryStore();
    const expiresAt = Date.now() + 599_000;
    const token = accessToken({ value: "a-token", expiresAt, refreshToken: "a-refresh-token" });
    await userSession(clientOfApp, { store, key: "first" }).start(token);
    const { value = "" } = (await store.read("first")) ?? {};
    for (const user of users) await store.write(keyOf(user), value, { expectedVersion: 0 });
    const read = vi.fn<TokenStore["read"]>((key) => store.read(key));
    return { ...store, read };
  }

  it("is found without opening a session whose records are loaded", async () => {
    const own = sessionOfFramework();
    const openSession = vi.fn(() => own);
    const { source, user } = make({ openSession, loadedRecords }, { store: await storeOfUsers() });
    const request = requestOf(1, { user: { sub: "ada" } });
    expect(await (await source(request))?.getToken()).toMatchObject({ value: "a-token" });
    expect(await user(request)).toEqual({ sub: "ada" });
    expect(openSession).not.toHaveBeenCalled();
    expect(notedSession(request)).toBe(own.session);
  });

  it("is found in a session of the app's own, whatever the framework has loaded", async () => {
    const { records } = requestOf(1);
    const { source } = make(
      { session: () => session({ loaded: records }), loadedRecords },
      { store: await storeOfUsers() },
    );
    expect(await source({ path: "/", records: {} })).toBeDefined();
  });

  it.each([2, 3])("leads to a login when it is over, unless that was the %i. in a row", async (inRow) => {
    const { source } = make({ openSession: () => sessionOfFramework(), loadedRecords });
    const request = requestOf(1, { at: Date.now(), inRow });
    expect(await source(request)).toBeUndefined();
    const facts = { wantsHtml: true, isNavigation: true, url: "/", login: "/auth/login" };
    expect(loginRequired({ ...facts, session: notedSession(request) }).status).toBe(inRow === 3 ? 401 : 302);
  });

  it("is one object for all requests, and opens a session again that was closed for others", async () => {
    const store = await storeOfUsers();
    const { source } = make({ loadedRecords }, { store });
    const [first, second] = [await source(requestOf(0)), await source(requestOf(0))];
    expect(await source(requestOf(0))).toBe(second);
    for (const user of users.slice(1)) await source(requestOf(user));
    store.read.mockClear();
    const tokens = await Promise.all([first, second, second].map((each) => each?.getToken()));
    expect(tokens.map((token) => token?.value)).toEqual(Array(3).fill("a-token"));
    expect(store.read.mock.calls.map(([key]) => key)).toEqual([keyOf(0)]);
  });

  it("gives no tokens once the user has signed out in another process", async () => {
    const { clock, advance } = movableClock();
    const store = await storeOfUsers();
    const { source } = make({ loadedRecords }, { store, client: { ...clientOfApp, clock } });
    const found = await source(requestOf(0));
    expect(await found?.getToken()).toMatchObject({ value: "a-token" });
    await store.delete(keyOf(0));
    advance(10_000);
    await expect(found?.getToken()).rejects.toMatchObject({ code: "reauthentication_required" });
    expect(await source(requestOf(0))).toBeUndefined();
  });

  it("stops a wait for a store that hangs when the caller aborts", async () => {
    const { clock, advance } = movableClock();
    const store = await storeOfUsers();
    const { source } = make({ loadedRecords }, { store, client: { ...clientOfApp, clock } });
    const found = await source(requestOf(0));
    advance(10_000);
    store.read.mockImplementation(() => new Promise(() => {}));
    const wait = found?.getToken({ signal: AbortSignal.abort("mine") });
    await expect(wait).rejects.toBe("mine");
  });

  it("asks the request's own client when it opens a session again", async () => {
    const store = await storeOfUsers();
    const asked: AppRequest[] = [];
    const client = (request: AppRequest): TalkdeskClient => {
      asked.push(request);
      return clientOfApp;
    };
    const { source } = make({ loadedRecords }, { store, client });
    const [opening, later] = [requestOf(0), requestOf(0)];
    await source(opening);
    const found = await source(later);
    expect(asked).toEqual([opening]);
    for (const user of users.slice(1)) await source(requestOf(user));
    asked.length = 0;
    await found?.getToken();
    expect(asked[0]).toBe(later);
    expect(asked).toHaveLength(1);
  });
});

describe("the answer to a request", () => {
  it("is left to the app when the login has no such route", async () => {
    const own = sessionOfFramework();
    expect(await make({ openSession: () => own }).answer({ path: "/contacts" })).toEqual({});
    expect(own.commit).not.toHaveBeenCalled();
  });

  it("is the page of a login that failed", async () => {
    const own = sessionOfFramework();
    const { answer, failure, onError } = await make({ openSession: () => own }).answer({
      path: "/auth/callback?state=none",
    });
    expect(answer?.status).toBe(400);
    expect(Object.fromEntries(answer?.headers ?? [])).toMatchObject({
      "cache-control": PRIVATE_HEADERS["Cache-Control"],
      "referrer-policy": PRIVATE_HEADERS["Referrer-Policy"],
    });
    expect(failure?.error).toBeInstanceOf(TalkdeskError);
    expect(onError).toBeUndefined();
    expect(own.commit).toHaveBeenCalledExactlyOnceWith(answer);
  });

  it("is up to onError, which may still use the session of the framework", async () => {
    const own = sessionOfFramework();
    const onError = (): string => "own page";
    const outcome = await make({ onError, openSession: () => own }).answer({
      path: "/auth/callback?state=none",
    });
    expect(outcome.answer).toBeUndefined();
    expect(outcome.onError).toBe(onError);
    expect(outcome.failure?.error).toBeInstanceOf(TalkdeskError);
    expect(own.commit).not.toHaveBeenCalled();
  });

  it("is up to the app's error handler for a fault of the app, also with onError", async () => {
    const own = sessionOfFramework({ read: down });
    const outcome = await make({ onError: () => "own page", openSession: () => own }).answer({
      path: "/auth/login",
    });
    expect(outcome.answer).toBeUndefined();
    expect(outcome.onError).toBeUndefined();
    expect(outcome.failure?.error).toEqual(new Error("the store of sessions is down"));
    expect(own.commit).toHaveBeenCalledTimes(1);
  });
});

it.each(["session", "onError"])("frameworkLogin() refuses %s when it is no function", (name) => {
  expect(() => make({ [name]: "none" })).toThrow(new TypeError(`${name} must be a function.`));
});

it("frameworkLogin() refuses what talkdeskLogin() refuses", () => {
  expect(() => make({}, { contact: "" })).toThrow(TypeError);
});
