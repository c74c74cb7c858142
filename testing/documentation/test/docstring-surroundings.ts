/**
 * What an example in a docstring may use without declaring it, with its type. An example shows one call, so the rest of
 * the program has fixed names: a `client` is a TalkdeskClient in every package. Exports of the packages are imported for
 * the example, and need no entry here.
 */
export const SURROUNDINGS: Readonly<Record<string, string>> = {
  authentication: `import("@talkdesk-oauth/core").ClientAuthentication`,
  client: `import("@talkdesk-oauth/core").TalkdeskClient`,
  clientId: "string",
  clientSecret: "string",
  error: "unknown",
  init: "RequestInit",
  lifetime: "AbortSignal",
  logIn: "() => Response",
  pending: `import("@talkdesk-oauth/core").PendingAuthorization`,
  /** Reads a secret from a vault. */
  readSecret: "(name: string) => Promise<string>",
  redirectUri: "string",
  request: "Request",
  response: "Response",
  session: `import("@talkdesk-oauth/core").UserSession`,
  source: `import("@talkdesk-oauth/core").TokenSource`,
  store: `import("@talkdesk-oauth/core").TokenStore`,
  token: `import("@talkdesk-oauth/core").AccessToken`,
  url: "URL",
};

/** The surroundings that only the examples of one package have. */
export const SURROUNDINGS_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  axios: { axios: `typeof import("axios").default` },
  conformance: { driver: `import("@talkdesk-oauth/conformance").LoginDriver` },
  core: {
    browserSession: `{ pending?: import("@talkdesk-oauth/core").PendingAuthorization }`,
    socket: `import("node:net").Socket`,
    userId: "string",
  },
  emulator: {
    spawn: `typeof import("node:child_process").spawn`,
    talkdesk: `import("@talkdesk-oauth/emulator").Emulator`,
  },
  express: { app: `import("express").Express`, express: `typeof import("express")` },
  fastify: {
    app: `import("fastify").FastifyInstance`,
    login: `import("@talkdesk-oauth/fastify").TalkdeskLogin`,
    /** The sources of tenants, by name. */
    sources: `ReadonlyMap<string, import("@talkdesk-oauth/core").TokenSource>`,
  },
  hono: { app: `import("hono").Hono` },
  login: {
    /** A request of the app's own framework, with its session. */
    appRequest: `{
      session: Record<string, unknown> & { id: string } & Record<"save" | "regenerate" | "destroy", () => Promise<void>>;
      readonly sessionStore: { read(id: string): Promise<Record<string, unknown> | undefined> };
    }`,
    login: `import("@talkdesk-oauth/login").Login<undefined>`,
    nodeRequest: `import("node:http").IncomingMessage`,
    nodeResponse: `import("node:http").ServerResponse`,
    query: "URLSearchParams",
    session: `import("@talkdesk-oauth/login").LoginSession`,
    visit: `import("@talkdesk-oauth/login").Visit<undefined>`,
  },
  undici: { Agent: `typeof import("undici").Agent`, request: `typeof import("undici").request` },
};
