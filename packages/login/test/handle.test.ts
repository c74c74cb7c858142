import {
  clientSecretBasic,
  encodeBase64url,
  memoryStore,
  TalkdeskError,
  type TokenSource,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import {
  errorAnswer,
  LoginFailure,
  type LoginSession,
  storedSession,
  talkdeskLogin,
} from "@talkdesk-oauth/login";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const origin = "https://app.example.com";
const client = talkdeskClient({
  account: "acme",
  authentication: clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" }),
});
const store = memoryStore();
const options = { client, redirectUri: `${origin}/auth/callback`, store, contact: "help@example.com" };
const login = talkdeskLogin(options);
const openSession = storedSession({ store });

const handle = (path: string, init?: RequestInit, mount = "/auth"): Promise<Response | undefined> => {
  const request = new Request(`${origin}${path}`, init);
  return login.handle({ request, mount, session: openSession(request).session, host: undefined });
};

const failureOf = (path: string): Promise<unknown> => handle(path).catch((error: unknown) => error);

describe("handle()", () => {
  it.each(["/", "/auth", "/auth/", "/auth/other", "/authlogin", "/auth/login/", "/other/login"])(
    "leaves %s to the app",
    async (path) => {
      expect(await handle(path)).toBeUndefined();
    },
  );

  it.each(["/auth", "/auth/"])("knows its routes beneath %s", async (mount) => {
    expect((await handle("/auth/login", {}, mount))?.status).toBe(302);
  });

  it("leads a logout's browser to a path of the app, however the form puts it together", async () => {
    const piece = fc.oneof(
      fc.constantFrom("/", "\\", "..", "%2f", "%5c", "%252f", "@", ":", "evil.example", "\t", "?", "#"),
      fc.string({ maxLength: 3, unit: "binary" }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const body = new URLSearchParams({ returnTo: `/${pieces.join("")}` });
        const to = (await handle("/auth/logout", { method: "POST", body }))?.headers.get("location") ?? "";
        expect(to).toMatch(/^\/(?![/\\])/);
        expect(new URL(to, origin).origin).toBe(origin);
      }),
    );
  });

  it("ignores a form that is too long", async () => {
    const body = new URLSearchParams({ returnTo: "/there", filler: "x".repeat(20_000) });
    expect((await handle("/auth/logout", { method: "POST", body }))?.headers.get("location")).toBe("/");
  });

  it("rejects with a failure that has the error, a page, and no more", async () => {
    const failure = await failureOf("/auth/callback?code=a-secret-code&state=wrong");
    expect(failure).toBeInstanceOf(LoginFailure);
    const { error, restart } = failure as LoginFailure;
    expect(error).toMatchObject({ code: "state_mismatch" });
    expect(restart).toBeUndefined();
    const page = (failure as LoginFailure).response();
    expect([page.status, page.headers.get("cache-control"), page.headers.get("referrer-policy")]).toEqual([
      400,
      "no-store",
      "no-referrer",
    ]);
    expect(await page.text()).not.toContain("a-secret-code");
    expect(errorAnswer(failure, { wantsHtml: false })?.status).toBe(400);
  });

  it("says where a login may begin again", async () => {
    const { handle } = talkdeskLogin({
      ...options,
      client: () => {
        throw new TalkdeskError("installation_unknown", "unknown");
      },
    });
    const request = new Request(`${origin}/auth/login?returnTo=/there&talkdesk_installation_id=one`);
    const { session } = openSession(request);
    const failure: unknown = await handle({ request, mount: "/auth", session, host: undefined }).catch(
      (error: unknown) => error,
    );
    expect((failure as LoginFailure).restart).toEqual({ returnTo: "/there", installationId: "one" });
    expect(await (failure as LoginFailure).response().text()).toContain(
      'href="login?returnTo=%2Fthere&amp;talkdesk_installation_id=one"',
    );
  });

  it("rejects with a failure of the app, which no error handler of Talkdesk's answers", async () => {
    const down = async (): Promise<never> => {
      throw new Error("the store is down");
    };
    const session: LoginSession = { id: "an-id", read: down, write: down, renew: down, drop: down };
    const request = new Request(`${origin}/auth/login`);
    const failure: unknown = await login
      .handle({ request, mount: "/auth", session, host: undefined })
      .catch((error: unknown) => error);
    expect((failure as LoginFailure).error).toMatchObject({ message: "the store is down" });
    expect((failure as LoginFailure).response().status).toBe(500);
    expect(errorAnswer(failure, { wantsHtml: true })).toBeUndefined();
  });

  it("repeats a change that another process has disturbed, five times at most", async () => {
    let writes = 0;
    const session: LoginSession = {
      id: "an-id",
      read: async () => ({}),
      async write() {
        writes += 1;
        if (writes < 5) throw Object.assign(new Error("changed"), { code: "session_changed" });
      },
      renew: async () => {},
      drop: async () => {},
    };
    const request = new Request(`${origin}/auth/login`);
    const answer = await login.handle({ request, mount: "/auth", session, host: undefined });
    expect([answer?.status, writes]).toEqual([302, 5]);
  });

  describe("at a logout with endTalkdeskSession", () => {
    const refused = new TalkdeskError("client_refused", "The client was refused.");
    let asked = 0;
    const source: TokenSource = {
      api: client.endpoints.api,
      identity: client.endpoints.identity,
      async getToken() {
        asked += 1;
        throw refused;
      },
    };
    const { handle } = talkdeskLogin({ ...options, endTalkdeskSession: source });
    const signOut = (signIn: object, drop = async (): Promise<void> => {}): Promise<unknown> => {
      asked = 0;
      const name = encodeBase64url(new TextEncoder().encode(options.redirectUri));
      const records = { [name]: { pending: [], signIn: { key: "k".repeat(43), ...signIn } } };
      const write = async (): Promise<void> => {};
      const session: LoginSession = { id: "an-id", read: async () => records, write, renew: write, drop };
      const request = new Request(`${origin}/auth/logout`, { method: "POST" });
      return handle({ request, mount: "/auth", session, host: undefined }).catch((error: unknown) => error);
    };

    it("rejects with the error of the source, and says that the app's own session has ended", async () => {
      const failure = await signOut({ userId: "u".repeat(24) });
      expect(failure).toMatchObject({ name: "LoginFailure", isSignedOut: true });
      expect((failure as LoginFailure).error).toBe(refused);
      expect(asked).toBe(1);
      expect(errorAnswer(failure, { wantsHtml: true })?.status).toBe(502);
    });

    it.each([{}, { user: { sub: "u".repeat(25) } }])(
      "sends nothing when the user's id is not known, for %j",
      async (signIn) => {
        const failure = (await signOut(signIn)) as LoginFailure;
        expect(failure).toMatchObject({ isSignedOut: true, error: { code: "token_unexpected_response" } });
        expect(await failure.response().text()).toContain("not of Talkdesk");
        expect(asked).toBe(0);
      },
    );

    it("leaves the session at Talkdesk while the app's own cannot be ended", async () => {
      const failure = await signOut({ userId: "u".repeat(24) }, async () => {
        throw new Error("the store is down");
      });
      expect(failure).toMatchObject({ isSignedOut: false, error: { message: "the store is down" } });
      expect(asked).toBe(0);
    });
  });
});
