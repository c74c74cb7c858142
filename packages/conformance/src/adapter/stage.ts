import type { Emulator, RequestRecord } from "@talkdesk-oauth/emulator";
import type {
  AdapterCapabilities,
  AdapterDriver,
  AdapterSetup,
  AdapterStacks,
  PlainRequest,
  PlainResponse,
} from "./driver.js";
import { setTokenStageWith, type TokenStage } from "./token-stage.js";

/** The adapter under test, as each group of tests gets it. */
export interface Subject {
  readonly driver: AdapterDriver;
  readonly capabilities: Required<Omit<AdapterCapabilities, "abortErrorName">> &
    Pick<AdapterCapabilities, "abortErrorName">;
  readonly stacks: AdapterStacks;
}

/** A stage with a client that has the adapter under test. */
export interface Stage extends TokenStage {
  send(request: PlainRequest): Promise<PlainResponse>;
  /** Sends without freezing the request, for tests that change it afterwards. */
  sendUnfrozen(request: PlainRequest): Promise<PlainResponse>;
  /** Keeps the answers to token requests from the source, until the function that it gives is called. */
  holdTokens(): () => void;
  /** The requests with a `Bearer` token, to any host of the emulator. */
  withToken(): readonly RequestRecord[];
}

/** Starts an emulator, and makes a client with the driver. */
export async function setStage(
  { driver }: Pick<Subject, "driver">,
  setup: (
    talkdesk: Emulator,
  ) => Omit<AdapterSetup, "source"> & Partial<Pick<AdapterSetup, "source">> = () => ({}),
): Promise<Stage> {
  let held: Promise<void> | undefined;
  const stage = await setTokenStageWith({
    async fetch(input, init) {
      const answer = await fetch(input, init);
      await held;
      return answer;
    },
  });
  const { talkdesk, source, [Symbol.asyncDispose]: end } = stage;
  const send = driver({ source, ...setup(talkdesk) });
  return Object.assign(stage, {
    send: (request: PlainRequest) =>
      send(Object.freeze({ ...request, headers: Object.freeze({ ...request.headers }) })),
    sendUnfrozen: send,
    holdTokens() {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    withToken: () =>
      talkdesk.requests.all.filter(({ headers }) => /^bearer /i.test(headers["authorization"] ?? "")),
    async [Symbol.asyncDispose]() {
      await send.close?.();
      await end();
    },
  });
}

/** Reads what a replay must repeat of a request: everything but the token. */
export function readSent({ method, url, rawHeaders, body }: RequestRecord): unknown {
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.toLowerCase() !== "authorization") headers.push([name, rawHeaders[index + 1] ?? ""]);
  }
  return { method, url, headers, body: Buffer.from(body).toString("latin1") };
}
