import { describeLeniency, type Leniency } from "../base/laxity.js";
import { splitUrl } from "../base/split-url.js";
import type { Answer } from "../message/answer.js";
import { isJson, readMediaType } from "../message/media-type.js";
import type { RequestRecord } from "../message/request-record.js";
import { hasRepeatedName, isForm, MAX_FORM_BYTES } from "./form.js";
import { oauthError } from "./oauth-error.js";

/** Parameters that must not be in a URL, because URLs are logged. */
const BODY_ONLY_PARAMETERS = [
  "client_id",
  "code",
  "code_verifier",
  "expires_in",
  "grant_type",
  "redirect_uri",
  "refresh_token",
  "scope",
  "token_type",
];

/** Parameters that no leniency permits in a URL. */
const CREDENTIALS = ["client_assertion", "client_assertion_type", "client_secret"];

/** Gives the parameters of a token request, or the answer that refuses their form. */
export function readTokenParameters(request: RequestRecord, leniency: Leniency): URLSearchParams | Answer {
  const query = new URLSearchParams(splitUrl(request.url).query);
  const credential = CREDENTIALS.find((name) => query.has(name));
  if (credential !== undefined) {
    return invalidRequest(`The parameter ${credential} must be in the body, not in the URL.`);
  }
  const misplaced = BODY_ONLY_PARAMETERS.filter((name) => query.has(name));
  if (misplaced.length > 0 && !leniency.permit("grant-in-query")) {
    return invalidRequest(
      `The parameter ${misplaced[0]} must be in the body, not in the URL. ${describeLeniency("grant-in-query")}`,
    );
  }

  const body =
    misplaced.length > 0 && request.bodyBytes === 0 ? new URLSearchParams() : readBody(request, leniency);
  if (!(body instanceof URLSearchParams)) return body;
  for (const name of misplaced) for (const value of query.getAll(name)) body.append(name, value);
  return hasRepeatedName(body) ? invalidRequest("The request has the same parameter twice.") : body;
}

function readBody(request: RequestRecord, leniency: Leniency): URLSearchParams | Answer {
  const isObject = isJson(readMediaType(request.headers["content-type"]));
  if (isObject ? !leniency.permit("json-body") : !isForm(request)) {
    const hint = isObject ? ` ${describeLeniency("json-body")}` : "";
    return invalidRequest(`The body must be application/x-www-form-urlencoded.${hint}`);
  }
  if (request.bodyBytes > MAX_FORM_BYTES) {
    return invalidRequest(`The body must not exceed ${MAX_FORM_BYTES} bytes.`);
  }
  if (isObject) return readJson(request.text);
  if (/%(?![0-9A-Fa-f]{2})/.test(request.text)) {
    return invalidRequest("The body has a percent sign that is not followed by two hexadecimal digits.");
  }
  return request.form;
}

function readJson(text: string): URLSearchParams | Answer {
  let members: unknown;
  try {
    members = JSON.parse(text);
  } catch {
    return invalidRequest("The body is not JSON.");
  }
  if (typeof members !== "object" || members === null || Array.isArray(members)) {
    return invalidRequest("The body must be a JSON object.");
  }
  const entries = Object.entries(members);
  if (entries.some(([, value]) => typeof value !== "string" && typeof value !== "number")) {
    return invalidRequest("The members of the body must be strings or numbers.");
  }
  return new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]));
}

function invalidRequest(description: string): Answer {
  return oauthError(400, "invalid_request", description);
}
