import {
  type AccessToken,
  type ClosableTokenSource,
  memoryStore,
  type TalkdeskClient,
  type TalkdeskError,
  type TokenRequest,
  type TokenSource,
  type UserSession,
} from "@talkdesk-oauth/core";
import {
  type ClientOfLogin,
  type LoginLaunch,
  type RequestTalkdesk,
  type RequireLoginOptions,
  requireLogin,
  type SignedInUser,
  type SourceOfRequest,
  type TalkdeskErrorHandlerOptions,
  type TalkdeskLogin,
  type TalkdeskLoginOptions,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/express";
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import { describe, expectTypeOf, it } from "vitest";

declare const client: TalkdeskClient;
declare const source: TokenSource;
declare const login: TalkdeskLogin;

// Checked by the compiler, with the types of Express 5 and with those of Express 4; at run time there is nothing to see.
describe("the types", () => {
  it("of a request", () => {
    expectTypeOf<Request["talkdesk"]>().toEqualTypeOf<RequestTalkdesk>();
    const handlers = (): void => {
      express().get("/", async ({ talkdesk: { fetch, getToken, source } }, response) => {
        expectTypeOf(await fetch("/contacts")).toEqualTypeOf<globalThis.Response>();
        expectTypeOf(await getToken()).toEqualTypeOf<AccessToken>();
        expectTypeOf(source).toEqualTypeOf<TokenSource>();
        response.end();
      });
      express.Router().get("/", ({ talkdesk }, response, next) => {
        expectTypeOf(talkdesk).toEqualTypeOf<RequestTalkdesk>();
        talkdesk.fetch("/contacts").then(() => response.end(), next);
      });
    };
    void handlers;
  });

  it("of what is on it, which cannot be changed", () => {
    expectTypeOf<RequestTalkdesk["fetch"]>().toEqualTypeOf<typeof fetch>();
    expectTypeOf<RequestTalkdesk["getToken"]>().toEqualTypeOf<
      (request?: TokenRequest) => Promise<AccessToken>
    >();
    expectTypeOf<RequestTalkdesk>().toExtend<Omit<TokenSource, "api">>();
    const change = (talkdesk: RequestTalkdesk): void => {
      // @ts-expect-error: read only
      talkdesk.source = source;
      // @ts-expect-error: read only
      talkdesk.fetch = fetch;
    };
    void change;
  });

  it("of talkdesk(), which takes a source, a function and login.source", () => {
    expectTypeOf(talkdesk).returns.toEqualTypeOf<RequestHandler>();
    expectTypeOf<ClosableTokenSource>().toExtend<Parameters<typeof talkdesk>[0]>();
    expectTypeOf<UserSession>().toExtend<Parameters<typeof talkdesk>[0]>();
    expectTypeOf<TalkdeskLogin["source"]>().toExtend<SourceOfRequest>();
    expectTypeOf<() => undefined>().toExtend<SourceOfRequest>();
    expectTypeOf<(request: Request) => Promise<TokenSource | undefined>>().toExtend<SourceOfRequest>();
    const uses = (): void => {
      talkdesk(login.source);
      talkdesk(({ hostname }) => (hostname === "a.example.com" ? source : undefined));
      // @ts-expect-error: nobody is undefined
      talkdesk(() => null);
      // @ts-expect-error: a login is for app.use(path, login)
      talkdesk(login);
      // @ts-expect-error: a client is no source
      talkdesk(client);
    };
    void uses;
  });

  it("of middleware", () => {
    expectTypeOf(requireLogin).parameter(0).toEqualTypeOf<RequireLoginOptions | undefined>();
    expectTypeOf(requireLogin).returns.toEqualTypeOf<RequestHandler>();
    expectTypeOf(talkdeskErrorHandler).parameter(0).toEqualTypeOf<TalkdeskErrorHandlerOptions | undefined>();
    expectTypeOf(talkdeskErrorHandler).returns.toEqualTypeOf<ErrorRequestHandler>();
    expectTypeOf<TalkdeskLogin>().toExtend<RequestHandler>();
    const uses = (): void => {
      const middleware = [talkdesk(source), requireLogin(), requireLogin({ login: "/sign-in" })] as const;
      express().use(...middleware);
      express().use("/auth", login);
      express().use(talkdeskErrorHandler({ login: "/sign-in" }));
      express().get("/", requireLogin(), (_request, response) => void response.end());
      // @ts-expect-error: an address, or none
      requireLogin({ login: false });
    };
    void uses;
  });

  it("of a login", () => {
    expectTypeOf(talkdeskLogin).toEqualTypeOf<(options: TalkdeskLoginOptions) => TalkdeskLogin>();
    expectTypeOf<TalkdeskLogin["user"]>().toEqualTypeOf<
      (request: Request) => Promise<SignedInUser | undefined>
    >();
    expectTypeOf<SignedInUser["sub"]>().toEqualTypeOf<string>();
    expectTypeOf<LoginLaunch["installationId"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<TalkdeskClient>().toExtend<TalkdeskLoginOptions["client"]>();
    expectTypeOf<ClientOfLogin>().toExtend<TalkdeskLoginOptions["client"]>();
    expectTypeOf<
      Parameters<NonNullable<TalkdeskLoginOptions["onError"]>>[0]
    >().toEqualTypeOf<TalkdeskError>();
    const uses = (): void => {
      const redirectUri = "https://app.example.com/auth/callback";
      const store = memoryStore();
      talkdeskLogin({
        client: async (_request, { installationId: _ }) => client,
        redirectUri,
        store,
        contact: "c",
      });
      // @ts-expect-error: Talkdesk requires a contact
      talkdeskLogin({ client, redirectUri, store });
      // @ts-expect-error: tokens live somewhere
      talkdeskLogin({ client, redirectUri, contact: "c" });
    };
    void uses;
  });
});
