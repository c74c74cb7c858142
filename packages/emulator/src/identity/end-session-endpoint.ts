import { type Laxity, type Leniency, makeLeniency } from "../base/laxity.js";
import type { Region } from "../base/region.js";
import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { isJson, readMediaType } from "../message/media-type.js";
import type { RequestRecord } from "../message/request-record.js";
import type { Directory } from "../world/directory.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import { explainRefusal, findPresentedToken } from "../world/presented-token.js";
import { isForm, MAX_FORM_BYTES } from "./form.js";
import { NO_STORE } from "./oauth-error.js";

/** The dependencies of the endpoint that ends sessions of one account in one region. */
export interface EndSessionEndpointParts {
  readonly region: Region;
  readonly account: string;
  readonly tokens: IssuedTokens;
  readonly directory: Directory;
  readonly lenient: readonly Laxity[];
}

const SCOPE = "user-session-public:end";

/**
 * Answers `POST /oauth/end_user_session`, which ends what a user is signed in to. The documentation has the parameters in a
 * form in one place and in JSON in another, so both are accepted.
 *
 * Whether the service revokes tokens is not documented. Here the tokens of all logins of the user are revoked.
 */
export function answerEndSessionRequest(request: RequestRecord, parts: EndSessionEndpointParts): Answer {
  const leniency = makeLeniency(parts.lenient);
  return { ...endSession(request, leniency, parts), laxities: leniency.used };
}

function endSession(
  request: RequestRecord,
  leniency: Leniency,
  { tokens, region, account, directory }: EndSessionEndpointParts,
): Answer {
  if (request.method !== "POST") return refuse(405, "The endpoint takes POST.", { allow: "POST" });
  const { authorization } = request.headers;
  const token = findPresentedToken(tokens, authorization, leniency);
  const refusal = explainRefusal(tokens, region, token, authorization);
  if (token === undefined || refusal !== undefined) return refuse(401, refusal ?? "");
  if (token.account !== account) return refuse(401, "The token was issued in another account.");
  if (!token.scopes.includes(SCOPE)) return refuse(403, `The token needs the scope ${SCOPE}.`);

  const { user_id: userId, reason } = readParameters(request);
  if (typeof userId !== "string" || userId.length !== 24) {
    return refuse(400, "The parameter user_id must have 24 characters.");
  }
  if (reason !== undefined && reason !== "force_logout") {
    return refuse(400, "The parameter reason must be force_logout.");
  }
  if (!directory.users.some(({ id }) => id === userId)) return refuse(400, "The user does not exist.");
  tokens.revokeLogins({ region, account, userId });
  return emptyAnswer(204, NO_STORE);
}

function readParameters(request: RequestRecord): Readonly<Record<string, unknown>> {
  if (request.bodyBytes > MAX_FORM_BYTES) return {};
  if (isForm(request)) return Object.fromEntries(request.form);
  if (!isJson(readMediaType(request.headers["content-type"]))) return {};
  try {
    return Object(JSON.parse(request.text)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function refuse(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { ...jsonAnswer(status, { error }, { ...NO_STORE, ...headers }), refusal: error };
}
