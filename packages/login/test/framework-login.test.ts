import {
  clientSecretBasic,
  memoryStore,
  TalkdeskError,
  type TokenStore,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import {
  type FrameworkCalls,
  frameworkLogin,
  type LoginFailure,
  type LoginSession,
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
}
type OnError = (failure: LoginFailure) => string;

function make(
  calls: Partial<FrameworkCalls<AppRequest, OnError>> = {},
  options: Partial<TalkdeskLoginOptions<AppRequest>> = {},
) {
  const login = frameworkLogin<AppRequest, OnError>(
    {
      client: talkdeskClient({
        account: "acme",
        authentication: clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" }),
      }),
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
