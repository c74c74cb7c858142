import { inspect } from "node:util";
import {
  accessToken,
  type ClientSecretBasicOptions,
  clientCredentials,
  clientSecretBasic,
  deserializeToken,
  type Grant,
  isTalkdeskError,
  requestToken,
  serializeToken,
  type TalkdeskClientOptions,
  type TalkdeskErrorCode,
  type TokenEvent,
} from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { shown } from "./support/shown.js";
import {
  type Answer,
  clientOf,
  endpointsAt,
  eventually,
  json,
  rejection,
  text,
  tokenEndpoint,
} from "./support/token-endpoint.js";

/** Unlike anything else that is printed, from the first character on. */
const PLANTED = {
  secrets: ["QzSecretA-_xYz0-9_Ab", "QzSecretB/+=%41&?\"\\'~ é😀", "QzSecretC%2Fx%zz;,:@"],
  code: "QzCode/+=_-7",
  verifier: "QzVerifier-._~8",
  refresh: "QzRefresh+/=9",
  access: "QzAccess.token-1",
  id: "QzIdToken.a.b",
  sid: "QzSessionId0123",
};
const ALL = [...PLANTED.secrets, ...Object.values(PLANTED).filter((value) => typeof value === "string")];

const base64 = (value: string): string => Buffer.from(value).toString("base64");
const formEncoded = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2);
/** Eight characters long, so that Base64 of `id:secret` goes on with Base64 of the secret. */
const CLIENT_ID = "client-1";
const FORMS = [
  (value: string) => value,
  encodeURIComponent,
  formEncoded,
  (value: string) => JSON.stringify(value).slice(1, -1),
  base64,
  (value: string) => Buffer.from(value).toString("base64url"),
];

/** The first characters of every form: so much is too much already. */
const TRACES = new Set(
  ALL.flatMap((value) => [value, encodeURIComponent(value), base64(value)]).map((form) =>
    form.slice(0, 8).toLowerCase(),
  ),
);

function expectNoSecretIn(thing: unknown): void {
  const text = shown(thing).toLowerCase();
  const found = [...TRACES].filter((trace) => text.includes(trace));
  expect(found).toEqual([]);
}

/** All that is secret in every form, for answers that repeat it. */
const everySecret = ALL.flatMap((value) => FORMS.map((write) => write(value))).join(" ");
const inHeader = ALL.flatMap((value) => [
  encodeURIComponent(value),
  base64(value),
  base64(`${CLIENT_ID}:${value}`),
]).join(" ");

function grantsOf(): Grant[] {
  return [
    { grant_type: "client_credentials", scope: "account:read" },
    {
      grant_type: "authorization_code",
      code: PLANTED.code,
      redirect_uri: "https://app.example.com/cb",
      code_verifier: PLANTED.verifier,
    },
    { grant_type: "refresh_token", refresh_token: PLANTED.refresh },
  ];
}

/** The secrets of one request, which an answer can repeat. */
function sentIn(grant: Grant, secret: string): string[] {
  if (grant.grant_type === "authorization_code") return [secret, grant.code, grant.code_verifier ?? ""];
  return grant.grant_type === "refresh_token" ? [secret, grant.refresh_token] : [secret];
}

type Scene = (grant: Grant, options: ClientSecretBasicOptions) => Promise<unknown>;

/** A call to a server that answers so. */
function answeredWith(answer: (sent: string[], echo: string) => Answer): Scene {
  return async (grant, { clientId, clientSecret, encoding }) => {
    const sent = sentIn(grant, clientSecret as string);
    const encode = encoding === "form" ? formEncoded : (value: string) => value;
    const pair = base64(`${encode(CLIENT_ID)}:${encode(clientSecret as string)}`);
    const echo = [pair, `Basic ${pair}`, ...sent.flatMap((value) => FORMS.map((write) => write(value)))].join(
      " ",
    );
    await using server = await tokenEndpoint(answer(sent, echo));
    const authentication = clientSecretBasic({ clientId, clientSecret, ...(encoding && { encoding }) });
    return await rejection(requestToken(clientOf(server, { authentication }), grant));
  };
}

/** A call through a fetch that fails so. */
function failedWith(failure: (request: object, sent: string[]) => unknown, code?: string): Scene {
  return async (grant, options) => {
    const client = clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:9") },
      {
        authentication: clientSecretBasic(options),
        fetch: async (url, init) => {
          const request = { url, headers: Object.fromEntries(init?.headers as Headers), body: init?.body };
          const reason = failure(request, sentIn(grant, options.clientSecret as string));
          if (code !== undefined) Object.assign(reason as object, { code });
          throw reason;
        },
      },
    );
    return rejection(requestToken(client, grant));
  };
}

const malformed = { access_token: 7, refresh_token: PLANTED.refresh, sid: PLANTED.sid, id_token: PLANTED.id };
const dumped = (request: object): string =>
  `${inspect(request)} ${JSON.stringify(request)} ${new URLSearchParams(request as Record<string, string>)}`;

const SCENES: [string, Scene][] = [
  [
    "a description",
    answeredWith((_, echo) => json(400, { error: "invalid_request", error_description: echo })),
  ],
  ["an error", answeredWith(([secret = ""]) => json(400, { error: secret, error_description: secret }))],
  ["an error of 401", answeredWith((_, echo) => json(401, { error: echo, error_description: echo }))],
  [
    "a description at the cut",
    answeredWith((sent) =>
      json(401, { error: "invalid_client", error_description: `${"-".repeat(245)}${sent[0]}${sent.at(-1)}` }),
    ),
  ],
  [
    "Base64 at the cut",
    answeredWith(([secret = ""]) =>
      json(400, {
        error: "invalid_grant",
        error_description: `${"-".repeat(235)}${base64(`${CLIENT_ID}:${secret}`)}`,
      }),
    ),
  ],
  ["an envelope", answeredWith((_, echo) => json(403, { code: echo, message: echo, description: echo }))],
  ["an outage", answeredWith((_, echo) => json(503, { code: echo, message: echo, fields: [echo] }))],
  [
    "a page of an outage",
    answeredWith((_, echo) => text(500, `<html>${echo}`, { "content-type": "text/html" })),
  ],
  [
    "a redirect to a host of that name",
    answeredWith(([secret = ""]) =>
      text(302, "", { location: `https://${encodeURIComponent(secret)}.example.com/` }),
    ),
  ],
  [
    "a redirect",
    answeredWith(() =>
      text(307, "", { location: `https://elsewhere.example.com/?${encodeURIComponent(inHeader)}` }),
    ),
  ],
  [
    "a content type",
    answeredWith((sent) =>
      text(200, everySecret, {
        "content-type": `text/html; x="${sent.map(encodeURIComponent).join()} ${sent.map(base64).join()}"`,
      }),
    ),
  ],
  [
    "a content type at the cut",
    answeredWith(([secret = ""]) =>
      text(200, "", { "content-type": `text/html; x=${"-".repeat(228)}${encodeURIComponent(secret)}` }),
    ),
  ],
  ["a login page", answeredWith(() => text(200, `<html>${everySecret}`, { "content-type": "text/html" }))],
  ["a token that is none", answeredWith(() => json(200, { ...malformed, [PLANTED.access]: PLANTED.access }))],
  ["a token for no header", answeredWith(() => json(200, { access_token: `${PLANTED.access}\n` }))],
  [
    "a scope that is none",
    answeredWith(() => json(200, { access_token: PLANTED.access, scope: [PLANTED.sid] })),
  ],
  [
    "JSON that is none",
    answeredWith((_, echo) => text(200, `{${echo}`, { "content-type": "application/json" })),
  ],
  [
    "a token type",
    answeredWith(([secret = ""]) =>
      json(200, { access_token: PLANTED.access, token_type: secret, sid: PLANTED.sid }),
    ),
  ],
  ["a very long answer", answeredWith((_, echo) => text(200, echo.padEnd(300_000, "-")))],
  [
    "a fetch error's message",
    failedWith((request) => new TypeError(`fetch failed: ${dumped(request).slice(0, 230)}`)),
  ],
  ["a fetch error's name", failedWith((_, [secret = ""]) => Object.assign(new Error("x"), { name: secret }))],
  ["a fetch error's code", failedWith((_, [secret = ""]) => Object.assign(new Error("x"), { code: secret }))],
  [
    "a fetch error's properties",
    failedWith((request) =>
      Object.assign(new Error("fetch failed"), { request, config: request, toJSON: () => request }),
    ),
  ],
  [
    "a fetch error's hidden properties",
    failedWith((request) =>
      Object.defineProperties(new Error("fetch failed"), {
        request: { value: request },
        [Symbol("request")]: { value: request },
      }),
    ),
  ],
  [
    "the cause of a fetch error",
    failedWith((request) => {
      const inner = Object.assign(new Error(dumped(request)), { request, code: "E_INNER" });
      return new TypeError("fetch failed", { cause: new Error(dumped(request), { cause: inner }) });
    }),
  ],
  ["a cause that is the request", failedWith((request) => new TypeError("fetch failed", { cause: request }))],
  [
    "many fetch errors",
    failedWith((request) => new AggregateError([new Error(dumped(request))], dumped(request))),
  ],
  ["a request in place of an error", failedWith((request) => request)],
  ["a string in place of an error", failedWith((request) => dumped(request))],
  ["a refused connection", failedWith((request) => new Error(dumped(request)), "ECONNREFUSED")],
  ["a refused certificate", failedWith((request) => new Error(dumped(request)), "CERT_HAS_EXPIRED")],
  [
    "a timeout",
    async (grant, options) => {
      const authentication = clientSecretBasic(options);
      const fetch = () => new Promise<never>(() => {});
      const nowhere = { endpoints: endpointsAt("http://127.0.0.1:9") };
      return rejection(requestToken(clientOf(nowhere, { authentication, fetch, timeoutMs: 15 }), grant));
    },
  ],
  [
    "a function that looks the secret up",
    async (grant, { clientSecret, ...options }) => {
      const authentication = clientSecretBasic({
        ...options,
        clientSecret: () => {
          const cause = new Error(`from ${clientSecret}`);
          throw Object.assign(new Error(`no ${clientSecret}`, { cause }), { secret: clientSecret });
        },
      });
      const nowhere = { endpoints: endpointsAt("http://127.0.0.1:9") };
      return rejection(requestToken(clientOf(nowhere, { authentication }), grant));
    },
  ],
  [
    "a secret that was looked up",
    async (grant, { clientSecret, ...options }) => {
      const authentication = clientSecretBasic({ ...options, clientSecret: () => `${clientSecret}\n` });
      const nowhere = { endpoints: endpointsAt("http://127.0.0.1:9") };
      return rejection(requestToken(clientOf(nowhere, { authentication }), grant));
    },
  ],
  [
    "a stored token",
    async () => {
      const stored = serializeToken(
        accessToken({
          value: PLANTED.access,
          expiresAt: 1,
          refreshToken: PLANTED.refresh,
          sessionId: PLANTED.sid,
        }),
      );
      return rejection((async () => deserializeToken(stored.slice(0, -3)))());
    },
  ],
];

const CODES: TalkdeskErrorCode[] = [
  "client_refused",
  "credentials_unavailable",
  "refresh_outcome_unknown",
  "request_refused",
  "response_too_large",
  "store_corrupt",
  "token_malformed",
  "token_network",
  "token_timeout",
  "token_unavailable",
  "token_unexpected_response",
  "unsupported_token_type",
];

describe("no secret is shown", () => {
  it.each(ALL)("unless it is there to be seen: %s", (value) => {
    const places = [
      new Error(value),
      Object.assign(new Error("x"), { config: { headers: [value] } }),
      Object.defineProperty({}, "hidden", { value }),
      new Error("x", { cause: { deep: { deeper: value } } }),
      { [value]: 1 },
      Object.assign(() => {}, { value }),
      `...${base64(value)}`,
      encodeURIComponent(value).toLowerCase(),
    ];
    for (const place of places) expect(() => expectNoSecretIn(place)).toThrow();
  });

  const seen = new Set<string>();
  it.each(SCENES)("by the error of a call that fails because of %s", async (_, scene) => {
    for (const clientSecret of PLANTED.secrets) {
      for (const encoding of ["plain", "form"] as const) {
        for (const grant of grantsOf()) {
          const error = await scene(grant, { clientId: CLIENT_ID, clientSecret, encoding });
          if (!isTalkdeskError(error)) throw new Error("It is another error.", { cause: error });
          seen.add(error.code);
          expectNoSecretIn(error);
        }
      }
    }
  });

  it("in any of the codes that these calls can end with", () => {
    expect([...seen].sort()).toEqual(CODES);
  });

  it.each(PLANTED.secrets)("by a client or its authentication (%s)", (clientSecret) => {
    for (const encoding of ["plain", "form"] as const) {
      const authentication = clientSecretBasic({ clientId: CLIENT_ID, clientSecret, encoding });
      expectNoSecretIn(authentication);
      expectNoSecretIn(clientOf({ endpoints: endpointsAt("https://id.example.com") }, { authentication }));
    }
  });

  it("by a TypeError about a credential or a grant", async () => {
    const mistakes: (() => unknown)[] = [
      () => clientSecretBasic({ clientId: `${PLANTED.secrets[0]}:x`, clientSecret: "s" }),
      ...PLANTED.secrets.map(
        (secret) => () => clientSecretBasic({ clientId: "i", clientSecret: `${secret}\n` }),
      ),
      () => accessToken({ value: `${PLANTED.access}\n`, expiresAt: 1 }),
      () => accessToken({ value: "t", expiresAt: PLANTED.access as unknown as number }),
    ];
    for (const mistake of mistakes) expectNoSecretIn(await rejection((async () => mistake())()));
    for (const grant of grantsOf()) {
      const wrong = JSON.parse(JSON.stringify(grant), (key, value) =>
        key === "code" || key === "refresh_token" ? [value] : key === "scope" ? [[PLANTED.sid]] : value,
      );
      const client = clientOf({ endpoints: endpointsAt("http://127.0.0.1:9") });
      expectNoSecretIn(await rejection(requestToken(client, wrong)));
    }
  });

  const whole: Answer = json(200, {
    access_token: PLANTED.access,
    refresh_token: PLANTED.refresh,
    sid: PLANTED.sid,
    id_token: PLANTED.id,
    other: PLANTED.verifier,
    expires_in: 599,
    scope: "account:read",
  });

  it("by a token", async () => {
    await using server = await tokenEndpoint(whole);
    for (const grant of grantsOf()) {
      const token = await requestToken(clientOf(server), grant);
      expect(token.value).toBe(PLANTED.access);
      expectNoSecretIn(token);
      expectNoSecretIn({ token });
      expectNoSecretIn(deserializeToken(serializeToken(token)));
    }
  });

  it("by a source, its events and its errors", async () => {
    for (const clientSecret of PLANTED.secrets) {
      const echo: Answer = json(400, {
        error: clientSecret,
        error_description: base64(`${CLIENT_ID}:${clientSecret}`),
      });
      await using server = await tokenEndpoint(whole, echo);
      const options: Partial<TalkdeskClientOptions> = {
        authentication: clientSecretBasic({ clientId: CLIENT_ID, clientSecret }),
      };
      const events: TokenEvent[] = [];
      const source = clientCredentials(clientOf(server, options), {
        onEvent: (event) => void events.push(event),
      });
      const token = await source.getToken();
      const refusal = await source.getToken({ rejected: token }).catch((error: unknown) => error);
      await eventually(() => server.requests.length === 2);
      await source.close();
      const closed = await rejection(source.getToken());
      expect(events.map(({ type }) => type)).toEqual(
        expect.arrayContaining(["token_requested", "token_received", "token_rejected", "token_failed"]),
      );
      for (const thing of [source, refusal, closed, ...events]) expectNoSecretIn(thing);
    }
  });

  it("in a URL", async () => {
    await using server = await tokenEndpoint(whole);
    for (const grant of grantsOf()) await requestToken(clientOf(server), grant);
    expect(server.requests.map(({ url }) => url)).toEqual(["/oauth/token", "/oauth/token", "/oauth/token"]);
  });
});
