import { encodeBase64, encodeForm } from "../base/encodings.js";
import { TalkdeskError } from "../base/errors.js";
import { hasControlCharacter, isWellFormed } from "../base/secret-text.js";
import type { Endpoints } from "./endpoints.js";

/**
 * Adds proof of who asks to one request for a token, by changing `headers` or `body`. Called for every attempt,
 * retries included. `now` is the time in epoch milliseconds, by the server's clock where that was learnt. Write your
 * own for a scheme that is not here; one that throws or does not settle in time ends the call with
 * `credentials_unavailable`.
 */
export type ClientAuthentication = ((request: {
  readonly endpoints: Endpoints;
  readonly headers: Headers;
  readonly body: URLSearchParams;
  readonly now: number;
}) => void | Promise<void>) & { readonly clientId?: string };

/** What {@link clientSecretBasic} needs. */
export interface ClientSecretBasicOptions {
  /** The client's id. No colon: it would move the border between id and secret. */
  readonly clientId: string;
  /** The client's secret, or a function that looks it up; that is called for every attempt. */
  readonly clientSecret: string | (() => string | Promise<string>);
  /**
   * `"plain"` (default) puts id and secret into Base64 as they are, as Talkdesk documents it. `"form"` encodes
   * both as form values first, as RFC 6749 §2.3.1 says. They differ only for characters other than letters,
   * digits and `*-._`.
   */
  readonly encoding?: "plain" | "form" | undefined;
}

/**
 * Proves the client by HTTP Basic: one line of Base64 over the UTF-8 bytes of `id:secret`, however long.
 *
 * @throws TypeError at once, for an empty id or secret, a colon in the id, or control characters in either (a
 *   line break at the end is the usual one).
 * @throws TalkdeskError (rejection of the token call) `credentials_unavailable` when a secret that is looked up
 *   is not a usable string.
 * @example
 * clientSecretBasic({ clientId: "4f1c", clientSecret: () => readSecret("talkdesk") });
 * @see RFC 6749 §2.3.1, RFC 7617; Talkdesk, "Client Credentials - Basic"
 */
export function clientSecretBasic(options: ClientSecretBasicOptions): ClientAuthentication {
  const { clientId, clientSecret, encoding = "plain" } = options;
  const idFault =
    findCredentialFault(clientId) ?? (clientId.includes(":") ? "must not contain a colon" : undefined);
  if (idFault !== undefined) throw new TypeError(`clientId ${idFault}.`);
  if (encoding !== "plain" && encoding !== "form") {
    throw new TypeError('encoding must be "plain" or "form".');
  }
  if (typeof clientSecret !== "function") {
    const fault = findCredentialFault(clientSecret);
    if (fault !== undefined) throw new TypeError(`clientSecret ${fault}.`);
  }

  const encode = encoding === "form" ? encodeForm : (text: string) => text;
  async function clientSecretBasic({ headers }: Parameters<ClientAuthentication>[0]): Promise<void> {
    const secret = typeof clientSecret === "function" ? await clientSecret() : clientSecret;
    const fault = findCredentialFault(secret);
    if (fault !== undefined) {
      throw new TalkdeskError("credentials_unavailable", `The client secret that was looked up ${fault}.`);
    }
    headers.set("authorization", `Basic ${encodeBase64(`${encode(clientId)}:${encode(secret)}`)}`);
  }
  return Object.freeze(Object.assign(clientSecretBasic, { clientId }));
}

/** What is wrong with an id or a secret, in words that do not repeat it. @internal */
export function findCredentialFault(value: unknown): string | undefined {
  if (typeof value !== "string") return "must be a string";
  if (value === "") return "must not be empty";
  if (hasControlCharacter(value)) {
    return "must not contain control characters; check for a line break, often at the end of a pasted value";
  }
  if (!isWellFormed(value)) return "must be well-formed Unicode";
  return undefined;
}
