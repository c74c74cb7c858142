import { splitUrl } from "../base/split-url.js";
import type { Engine } from "../engine/engine.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ClientRegistry, EmulatorClient } from "../world/clients.js";
import type { Directory } from "../world/directory.js";
import { hasRepeatedName, isForm, MAX_FORM_BYTES } from "./form.js";
import { makeLoginPage } from "./login-page.js";
import { authorizeError } from "./oauth-error.js";

/** The dependencies of the authorize endpoint of one account in one region. */
export interface AuthorizeEndpointParts {
  readonly account: string;
  readonly engine: Engine;
  readonly clients: ClientRegistry;
  readonly directory: Directory;
  /** True: a person chooses a user on a page. False: the user is signed in already and agrees to everything. */
  readonly hasPage: boolean;
}

/**
 * Answers `GET` and `POST /oauth/authorize`. A POST has its parameters in a form; the form of the login page adds `user`
 * to the parameters in its URL.
 *
 * `login_hint`, an id or e-mail address, chooses the user without the page. This is an addition of the emulator. Without a
 * hint and without the page, the first user is signed in.
 *
 * @see OpenID Connect Core §3.1.2.1
 */
export async function answerAuthorizeRequest(
  request: RequestRecord,
  { account, engine, clients, directory, hasPage }: AuthorizeEndpointParts,
): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "POST") {
    return authorizeError(405, "invalid_request", "The authorize endpoint takes GET and POST.", {
      allow: "GET, POST",
    });
  }
  const form = readForm(request);
  if (form === undefined) {
    return authorizeError(
      400,
      "invalid_request",
      `The body must be application/x-www-form-urlencoded, of ${MAX_FORM_BYTES} bytes at most.`,
    );
  }
  const parameters = new URLSearchParams(splitUrl(request.url).query);
  for (const [name, value] of form) parameters.append(name, value);
  if (hasRepeatedName(parameters)) {
    return authorizeError(400, "invalid_request", "The request has the same parameter twice.");
  }
  const choice = hasPage ? (form.get("user") ?? undefined) : undefined;

  const clientId = parameters.get("client_id");
  if (!clientId) return authorizeError(400, "invalid_request", "The parameter client_id is missing.");
  const client = clients.find(clientId, account);
  if (client === undefined) {
    return authorizeError(401, "invalid_client", "The client does not exist in this account.");
  }
  const redirectUri = parameters.get("redirect_uri");
  if (!redirectUri) return authorizeError(400, "invalid_request", "The parameter redirect_uri is missing.");
  // The service documents invalid_grant here, which RFC 6749 has for the token endpoint only.
  if (!client.redirectUris.includes(redirectUri)) {
    return authorizeError(400, "invalid_grant", "The redirect URI is not registered.");
  }

  const state = parameters.get("state");
  const redirectWith = (answered: Readonly<Record<string, string>>): Answer => {
    const location = new URL(redirectUri);
    for (const [name, value] of Object.entries(answered)) location.searchParams.append(name, value);
    if (state !== null) location.searchParams.append("state", state);
    return emptyAnswer(302, { location: location.href, "cache-control": "no-store" });
  };

  const refuseWith = (error: string, description: string): Answer => ({
    ...redirectWith({ error, error_description: description }),
    refusal: `${error}: ${description}`,
  });

  const refusal = findRefusal(parameters, client);
  if (refusal !== undefined) return refuseWith(...refusal);
  const hint = parameters.get("login_hint") ?? undefined;
  if (hasPage && choice === undefined && hint === undefined) {
    return makeLoginPage(account, directory.users, parameters);
  }
  if (choice === "") {
    return refuseWith("access_denied", "The user denied the request.");
  }
  const user = directory.findUser(choice ?? hint);
  if (user === undefined) {
    return refuseWith("access_denied", "The user does not exist.");
  }

  const scope = parameters.get("scope") || undefined;
  const nonce = parameters.get("nonce");
  const codeChallenge = parameters.get("code_challenge");
  const code = await engine.issueCode({
    client,
    userId: user.id,
    redirectUri,
    scopes: [...new Set(scope?.split(" ") ?? client.scopes)],
    wantsIdToken: scope?.split(" ").includes("openid") === true,
    ...(nonce !== null && { nonce }),
    ...(codeChallenge !== null && { codeChallenge }),
  });
  return redirectWith({ code });
}

/** Reads the parameters in the body. Gives undefined when the body is something else than a form, or is too long. */
function readForm(request: RequestRecord): URLSearchParams | undefined {
  if (request.bodyBytes === 0) return new URLSearchParams();
  return isForm(request) && request.bodyBytes <= MAX_FORM_BYTES ? request.form : undefined;
}

/** Gives the error and its description when the request must be refused (RFC 6749 §4.1.2.1). */
function findRefusal(
  parameters: URLSearchParams,
  client: EmulatorClient,
): readonly [error: string, description: string] | undefined {
  if (parameters.get("response_type") !== "code") {
    return ["unsupported_response_type", "The response type must be code."];
  }
  if (!client.grantTypes.includes("authorization_code")) {
    return ["unauthorized_client", "The client is not allowed to use this grant type."];
  }
  if ((parameters.get("scope") || undefined)?.split(" ").some((item) => !client.scopes.includes(item))) {
    return ["invalid_scope", "The scope is malformed, or exceeds the scopes of the client."];
  }
  const challenge = parameters.get("code_challenge");
  if (challenge === null && !parameters.has("code_challenge_method")) {
    // Anyone could exchange a stolen code of a client that proves nothing (RFC 9700 §2.1.1).
    return client.authenticationMethods.includes("none")
      ? ["invalid_request", "A public client must send a code_challenge."]
      : undefined;
  }
  if (parameters.get("code_challenge_method") !== "S256" || !/^[A-Za-z0-9_-]{43}$/.test(challenge ?? "")) {
    return ["invalid_request", "The code_challenge must be of the method S256: 43 Base64url characters."];
  }
  return undefined;
}
