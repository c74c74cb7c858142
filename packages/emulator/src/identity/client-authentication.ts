import type { Answer } from "../message/answer.js";
import { readBasicCredentials } from "../message/basic-credentials.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ClientRegistry, EmulatorClient } from "../world/clients.js";
import { checkAssertion } from "./client-assertion.js";
import { invalidClient, oauthError } from "./oauth-error.js";

/** The dependencies of client authentication. */
export interface ClientAuthenticationParts {
  readonly clients: ClientRegistry;
  readonly account: string;
  /** The URL of the token endpoint, which an assertion must name as its audience. */
  readonly tokenUrl: string;
  /** The time of the service, in epoch milliseconds. */
  readonly now: () => number;
  /** Tells whether a `jti` is new, and remembers it until `expiresAt`, in epoch seconds. */
  readonly useJti: (clientId: string, jti: string, expiresAt: number, now: number) => boolean;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * Finds out which client sent a token request, or gives the answer that refuses it.
 *
 * @see RFC 6749 §2.3, RFC 7523 §2.2
 */
export function authenticateClient(
  request: RequestRecord,
  form: URLSearchParams,
  parts: ClientAuthenticationParts,
): Answer | { readonly client: EmulatorClient } {
  const header = request.headers["authorization"];
  const hasAssertion = form.has("client_assertion") || form.has("client_assertion_type");
  if (header !== undefined && (hasAssertion || form.has("client_secret"))) {
    return oauthError(400, "invalid_request", "The client must authenticate in one way only.");
  }
  if (form.has("client_secret")) {
    return invalidClient("The client secret must be in an HTTP Basic header, not in the body.");
  }
  if (hasAssertion) return authenticateByAssertion(form, parts);
  if (header === undefined) return invalidClient("The request has no Authorization header.");
  return authenticateByHeader(header, form, parts);
}

function authenticateByAssertion(
  form: URLSearchParams,
  { clients, account, tokenUrl, now, useJti }: ClientAuthenticationParts,
): Answer | { readonly client: EmulatorClient } {
  if (form.get("client_assertion_type") !== ASSERTION_TYPE) {
    return invalidClient(`The client_assertion_type must be ${ASSERTION_TYPE}.`);
  }
  const at = now();
  const client = checkAssertion(form.get("client_assertion") ?? "", {
    clients,
    account,
    tokenUrl,
    now: at,
    useJti: (clientId, jti, expiresAt) => useJti(clientId, jti, expiresAt, at),
  });
  if (typeof client === "string") return invalidClient(client);
  if (!client.authenticationMethods.includes("private_key_jwt")) {
    return invalidClient("The client is not registered for signed assertions (private_key_jwt).");
  }
  return refuseOtherClient(form, client.clientId, "the client assertion") ?? { client };
}

function authenticateByHeader(
  header: string,
  form: URLSearchParams,
  { clients, account }: ClientAuthenticationParts,
): Answer | { readonly client: EmulatorClient } {
  const credentials = readBasicCredentials(header);
  if (credentials === undefined) {
    return invalidClient("The Authorization header must be one HTTP Basic pair in Base64 on one line.");
  }
  const { clientId, clientSecret } = credentials;
  const client = clients.find(clientId, account);
  // One sentence for both mistakes, so that it does not tell which clients exist.
  if (client?.clientSecret !== clientSecret) return invalidClient("The client id or secret is wrong.");
  if (!client.authenticationMethods.includes("client_secret_basic")) {
    return invalidClient("The client is not registered for HTTP Basic (client_secret_basic).");
  }
  return refuseOtherClient(form, clientId, "the Authorization header") ?? { client };
}

/** Refuses a form whose `client_id` names another client than the one that has authenticated. */
function refuseOtherClient(form: URLSearchParams, clientId: string, proof: string): Answer | undefined {
  if (!form.has("client_id") || form.get("client_id") === clientId) return undefined;
  return oauthError(400, "invalid_request", `The parameter client_id differs from ${proof}.`);
}
