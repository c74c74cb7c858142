import { encodeBase64, encodeForm } from "../base/encodings.js";
import { TalkdeskError } from "../base/errors.js";
import { hasControlCharacter, isWellFormed } from "../base/secret-text.js";
import type { Endpoints } from "./endpoints.js";

/**
 * Adds the proof of the client's identity to one token request, by changing `headers` or `body`. It is called for every
 * attempt, retries included. `now` is epoch milliseconds, by the server's clock where the difference is known.
 *
 * Write your own function for a scheme that is not here. When it throws or does not settle in time, the call rejects
 * with `credentials_unavailable`. Logins need its property `clientId`.
 */
export type ClientAuthentication = ((request: {
  readonly endpoints: Endpoints;
  readonly headers: Headers;
  readonly body: URLSearchParams;
  readonly now: number;
}) => void | Promise<void>) & { readonly clientId?: string };

/** Options of {@link clientSecretBasic}. */
export interface ClientSecretBasicOptions {
  /** The client's id. It must not contain a colon, which separates id and secret. */
  readonly clientId: string;
  /** The client's secret, or a function that looks it up and is called for every attempt. */
  readonly clientSecret: string | (() => string | Promise<string>);
  /**
   * `"plain"` (default) encodes id and secret in Base64 as they are, as Talkdesk documents it. `"form"` encodes both as
   * form values first, as RFC 6749 §2.3.1 requires. The two differ only for characters other than letters, digits and
   * `*-._`.
   */
  readonly encoding?: "plain" | "form" | undefined;
}

/**
 * Proves the client's identity by HTTP Basic: the UTF-8 bytes of `id:secret` in one line of Base64.
 *
 * @throws TypeError for an empty id or secret, a colon in the id, or a control character in either. A frequent cause is
 *   a line break at the end of a pasted secret.
 * @throws TalkdeskError (rejection of the token call)
 * - `credentials_unavailable`: the function that looks up the secret failed, or its result cannot be used.
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

/**
 * Says what is wrong with an id or a secret, without repeating it. Undefined when nothing is.
 * @internal
 */
export function findCredentialFault(value: unknown): string | undefined {
  if (typeof value !== "string") return "must be a string";
  if (value === "") return "must not be empty";
  if (hasControlCharacter(value)) {
    return "must not contain control characters; check for a line break, often at the end of a pasted value";
  }
  if (!isWellFormed(value)) return "must be well-formed Unicode";
  return undefined;
}
