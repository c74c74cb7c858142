import { describeLeniency, type Leniency } from "../base/laxity.js";
import type { Answer } from "../message/answer.js";
import { readBasicCredentials } from "../message/basic-credentials.js";
import type { RequestRecord } from "../message/request-record.js";
import type { AuthenticationMethod } from "../world/client-registration.js";
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

/** The client that sent a token request, and how it proved that; `none` without a proof. */
export interface AuthenticatedClient {
  readonly client: EmulatorClient;
  readonly method: AuthenticationMethod;
}

/**
 * Finds out which client sent a token request, or gives the answer that refuses it.
 *
 * @see RFC 6749 §2.3, RFC 7523 §2.2
 */
export function authenticateClient(
  request: RequestRecord,
  form: URLSearchParams,
  leniency: Leniency,
  parts: ClientAuthenticationParts,
): Answer | AuthenticatedClient {
  const header = request.headers["authorization"];
  const hasAssertion = form.has("client_assertion") || form.has("client_assertion_type");
  const hasSecret = form.has("client_secret");
  if ([header !== undefined, hasAssertion, hasSecret].filter(Boolean).length > 1) {
    return oauthError(400, "invalid_request", "The client must authenticate in one way only.");
  }
  if (hasAssertion) return authenticateByAssertion(form, parts);
  if (header !== undefined) return authenticateByHeader(header, form, parts);
  if (hasSecret) {
    if (!leniency.permit("secret-in-body")) {
      return invalidClient(
        `The client secret must be in an HTTP Basic header, not in the body. ${describeLeniency("secret-in-body")}`,
      );
    }
    return authenticateBySecret(form.get("client_id") ?? "", form.get("client_secret") ?? "", parts);
  }
  return identifyPublicClient(form, leniency, parts);
}

/** Finds a client that sent its id alone, as a public client does. */
function identifyPublicClient(
  form: URLSearchParams,
  leniency: Leniency,
  { clients, account }: ClientAuthenticationParts,
): Answer | AuthenticatedClient {
  const client = clients.find(form.get("client_id") ?? "", account);
  if (!form.has("client_id")) return invalidClient("The request has no Authorization header.");
  if (client?.authenticationMethods.includes("none")) return { client, method: "none" };
  const isOfLogin = form.get("grant_type") !== "client_credentials";
  if (client !== undefined && isOfLogin && leniency.permit("public-client")) {
    return { client, method: "none" };
  }
  const hint = isOfLogin ? ` ${describeLeniency("public-client")}` : "";
  return invalidClient(`The request has no Authorization header, and is not of a public client.${hint}`);
}

function authenticateByAssertion(
  form: URLSearchParams,
  { clients, account, tokenUrl, now, useJti }: ClientAuthenticationParts,
): Answer | AuthenticatedClient {
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
  return (
    refuseOtherClient(form, client.clientId, "the client assertion") ?? { client, method: "private_key_jwt" }
  );
}

function authenticateByHeader(
  header: string,
  form: URLSearchParams,
  parts: ClientAuthenticationParts,
): Answer | AuthenticatedClient {
  const credentials = readBasicCredentials(header);
  if (credentials === undefined) {
    return invalidClient("The Authorization header must be one HTTP Basic pair in Base64 on one line.");
  }
  const { clientId, clientSecret } = credentials;
  const authenticated = authenticateBySecret(clientId, clientSecret, parts);
  if (!("client" in authenticated)) return authenticated;
  return refuseOtherClient(form, clientId, "the Authorization header") ?? authenticated;
}

function authenticateBySecret(
  clientId: string,
  clientSecret: string,
  { clients, account }: ClientAuthenticationParts,
): Answer | AuthenticatedClient {
  const client = clients.find(clientId, account);
  // One sentence for both mistakes, so that it does not tell which clients exist.
  if (client?.clientSecret !== clientSecret) return invalidClient("The client id or secret is wrong.");
  if (!client.authenticationMethods.includes("client_secret_basic")) {
    return invalidClient("The client is not registered for HTTP Basic (client_secret_basic).");
  }
  return { client, method: "client_secret_basic" };
}

/** Refuses a form whose `client_id` names another client than the one that has authenticated. */
function refuseOtherClient(form: URLSearchParams, clientId: string, proof: string): Answer | undefined {
  if (!form.has("client_id") || form.get("client_id") === clientId) return undefined;
  return oauthError(400, "invalid_request", `The parameter client_id differs from ${proof}.`);
}
