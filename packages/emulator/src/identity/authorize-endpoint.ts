import type { Engine } from "../engine/engine.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import { hasRepeatedName, maximumFormBytes } from "../message/form.js";
import { authorizeError } from "../message/oauth-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ClientRegistry, EmulatorClient } from "../world/clients.js";
import type { Directory } from "../world/directory.js";
import { loginPage } from "./login-page.js";

/** What the authorize endpoint of one account in one region works with. */
export interface AuthorizeEndpointParts {
  readonly account: string;
  readonly engine: Engine;
  readonly clients: ClientRegistry;
  readonly directory: Directory;
  /** Whether a person decides, on a page that posts to the same address. */
  readonly hasPage: boolean;
}

/**
 * Answers `GET` and `POST /oauth/authorize`: with a user who is signed in already and agrees to everything, or with a
 * page on which a person chooses one. A POST has its parameters in a form (OpenID Connect Core §3.1.2.1); that of the
 * page adds `user` to those in its address.
 *
 * `login_hint`, an id or e-mail address, chooses the user, also without the page; it is the emulator's own. Without it,
 * and without a page, it is the first user.
 */
export async function answerAuthorizeRequest(
  request: RequestRecord,
  { account, engine, clients, directory, hasPage }: AuthorizeEndpointParts,
): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "POST") {
    const refusal = authorizeError(405, "invalid_request", "The authorize endpoint takes GET and POST.");
    return { ...refusal, headers: { ...refusal.headers, allow: "GET, POST" } };
  }
  const form = formOf(request);
  if (form === undefined) {
    return authorizeError(
      400,
      "invalid_request",
      `The body must be application/x-www-form-urlencoded, of ${maximumFormBytes} bytes at most.`,
    );
  }
  const query = new URLSearchParams(request.url.split(/\?(.*)/s)[1] ?? "");
  for (const [name, value] of form) query.append(name, value);
  if (hasRepeatedName(query)) {
    return authorizeError(400, "invalid_request", "The request holds a parameter twice.");
  }
  const choice = hasPage ? (form.get("user") ?? undefined) : undefined;

  const clientId = query.get("client_id");
  if (!clientId) return authorizeError(400, "invalid_request", "The parameter client_id is missing.");
  const client = clients.find(clientId, account);
  if (client === undefined) return authorizeError(401, "invalid_client", "The client is not known.");
  const redirectUri = query.get("redirect_uri");
  if (!redirectUri) return authorizeError(400, "invalid_request", "The parameter redirect_uri is missing.");
  // The service documents this error code here, where RFC 6749 has another.
  if (!client.redirectUris.includes(redirectUri)) {
    return authorizeError(400, "invalid_grant", "The redirect URI is not registered.");
  }

  const state = query.get("state");
  const toCallback = (parameters: Record<string, string>): Answer => {
    const location = new URL(redirectUri);
    for (const [name, value] of Object.entries(parameters)) location.searchParams.append(name, value);
    if (state !== null) location.searchParams.append("state", state);
    return emptyAnswer(302, { location: location.href, "cache-control": "no-store" });
  };

  const refusal = refuse(query, client);
  if (refusal !== undefined) {
    return toCallback({ error: refusal[0], error_description: refusal[1] });
  }
  const hint = query.get("login_hint") ?? undefined;
  if (hasPage && choice === undefined && hint === undefined) {
    return loginPage(account, directory.users, query);
  }
  if (choice === "") {
    return toCallback({ error: "access_denied", error_description: "The user has denied the request." });
  }
  const user = directory.findUser(choice ?? hint);
  if (user === undefined) {
    return toCallback({ error: "access_denied", error_description: "There is no such user." });
  }

  const scope = query.get("scope") || undefined;
  const nonce = query.get("nonce");
  const codeChallenge = query.get("code_challenge");
  const code = await engine.issueCode({
    client,
    userId: user.id,
    redirectUri,
    scopes: [...new Set(scope?.split(" ") ?? client.scopes)],
    wantsIdToken: scope?.split(" ").includes("openid") === true,
    ...(nonce !== null && { nonce }),
    ...(codeChallenge !== null && { codeChallenge }),
  });
  return toCallback({ code });
}

/** The parameters in the body; undefined when it holds something else than a form. */
function formOf({ bodyBytes, headers, form }: RequestRecord): URLSearchParams | undefined {
  if (bodyBytes === 0) return new URLSearchParams();
  const mediaType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  const isForm = mediaType === "application/x-www-form-urlencoded" && bodyBytes <= maximumFormBytes;
  return isForm ? form : undefined;
}

function refuse(query: URLSearchParams, client: EmulatorClient): readonly [string, string] | undefined {
  if (query.get("response_type") !== "code") {
    return ["unsupported_response_type", "The response type must be code."];
  }
  if (!client.grantTypes.includes("authorization_code")) {
    return ["unauthorized_client", "The client is not allowed to use this grant type."];
  }
  if ((query.get("scope") || undefined)?.split(" ").some((item) => !client.scopes.includes(item))) {
    return ["invalid_scope", "The scope is malformed or goes beyond what the client is allowed."];
  }
  const challenge = query.get("code_challenge");
  if (challenge === null && !query.has("code_challenge_method")) return undefined;
  if (query.get("code_challenge_method") !== "S256" || !/^[A-Za-z0-9_-]{43}$/.test(challenge ?? "")) {
    return ["invalid_request", "The code challenge must be S256."];
  }
  return undefined;
}
