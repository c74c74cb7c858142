import { createHash } from "node:crypto";
import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  isTalkdeskError,
  serviceToken,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { openStore, type StorePlace } from "./open-store.js";
import { sendToParent, settingsOfWorker } from "./worker-messages.js";

/** What a process with many callers asks for, and where. */
export interface ColdSettings {
  readonly source: "client_credentials" | "service_token" | "user_session";
  readonly callers: number;
  readonly key: string;
  readonly store: StorePlace;
  readonly endpoints: { readonly token: string; readonly api: string; readonly identity: string };
  readonly clientId: string;
  readonly clientSecret: string;
  /** The longest that a caller waits, in milliseconds. */
  readonly timeoutMs: number;
}

/** What the callers of one process were answered. */
export interface ColdReport {
  /** The distinct tokens, each as a hash. */
  readonly tokens: readonly string[];
  /** The codes of errors, of callers and of the store. */
  readonly errors: readonly string[];
  readonly answered: number;
}

const settings = settingsOfWorker<ColdSettings>();
const { store } = await openStore(settings.store);
const errors: string[] = [];
const source = openSource();

function openSource(): ClosableTokenSource {
  const { endpoints, clientId, clientSecret, timeoutMs, key } = settings;
  const authentication = clientSecretBasic({ clientId, clientSecret });
  const client = talkdeskClient({ endpoints, authentication, timeoutMs });
  const options = {
    store,
    key,
    onEvent(event: { readonly type: string; readonly error?: { readonly code: string } }) {
      if (event.type === "store_failed") errors.push(`store: ${event.error?.code}`);
    },
  };
  switch (settings.source) {
    case "client_credentials":
      return clientCredentials(client, options);
    case "service_token":
      return serviceToken(client, options);
    case "user_session":
      return userSession(client, options);
  }
}

async function callAll(): Promise<void> {
  const calls = Array.from({ length: settings.callers }, () => source.getToken());
  const results = await Promise.allSettled(calls);
  const values = new Set<string>();
  let answered = 0;
  for (const result of results) {
    if (result.status === "fulfilled") {
      answered += 1;
      values.add(createHash("sha256").update(result.value.value).digest("hex"));
    } else {
      errors.push(isTalkdeskError(result.reason) ? result.reason.code : String(result.reason));
    }
  }
  sendToParent({ tokens: [...values], errors: [...new Set(errors)], answered } satisfies ColdReport);
}

process.on("message", () => void callAll());
process.on("disconnect", () => process.exit());
sendToParent("ready");
