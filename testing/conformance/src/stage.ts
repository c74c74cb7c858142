import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";
import type {
  AdapterCapabilities,
  AdapterDriver,
  AdapterSetup,
  PlainRequest,
  PlainResponse,
} from "./driver.js";

/** The adapter under test, as every group of tests gets it. */
export interface Subject {
  readonly driver: AdapterDriver;
  readonly capabilities: Required<Omit<AdapterCapabilities, "abortErrorName">> &
    Pick<AdapterCapabilities, "abortErrorName">;
}

/** A Talkdesk of its own for one test, and a client that is authorised to use its gateway of the us region. */
export interface Stage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly source: ClosableTokenSource;
  /** The origin of the gateway. */
  readonly api: string;
  /** The origin of another gateway, which the token is not for. */
  readonly otherApi: string;
  send(request: PlainRequest): Promise<PlainResponse>;
  /** How often a token was asked for. */
  readonly tokenRequests: number;
  /** What the gateways received, in the order of arrival. */
  readonly apiRequests: readonly RequestRecord[];
  /** What has come with an `Authorization` of the `Bearer` kind, wherever it came. */
  readonly withToken: readonly RequestRecord[];
  /** Gets a token, and makes the gateways refuse it from now on. */
  useRefusedToken(): Promise<void>;
}

/** Sets the stage. Every test has its own, so what one leaves behind cannot reach another. */
export async function setStage(
  { driver }: Subject,
  setup: (
    talkdesk: Emulator,
  ) => Omit<AdapterSetup, "source"> & Partial<Pick<AdapterSetup, "source">> = () => ({}),
): Promise<Stage> {
  const talkdesk = await startEmulator({ reportPolls: 0 });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
  const send = driver({ source, ...setup(talkdesk) });
  return {
    talkdesk,
    source,
    api: endpoints.api,
    otherApi: talkdesk.endpoints("acme", "eu").api,
    send: (request) => send(Object.freeze({ ...request, headers: Object.freeze({ ...request.headers }) })),
    get tokenRequests() {
      return talkdesk.requests.to("token").filter(({ form }) => form.has("grant_type")).length;
    },
    get apiRequests() {
      return talkdesk.requests.to("api");
    },
    get withToken() {
      return talkdesk.requests.all.filter(({ headers }) => /^bearer /i.test(headers["authorization"] ?? ""));
    },
    async useRefusedToken() {
      await source.getToken();
      talkdesk.faults.revokeTokens();
    },
    async [Symbol.asyncDispose]() {
      await source.close();
      await send.close?.();
      await talkdesk.stop();
    },
  };
}

/** What a request was, apart from the token that came with it: what a replay must repeat. */
export function sentAs({ method, url, rawHeaders, body }: RequestRecord): unknown {
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.toLowerCase() !== "authorization") headers.push([name, rawHeaders[index + 1] ?? ""]);
  }
  return { method, url, headers, body: Buffer.from(body).toString("latin1") };
}
