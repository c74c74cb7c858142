import { type Answer, emptyAnswer } from "../message/answer.js";
import type { ScimUser, ScimUserDraft } from "../world/scim-users.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readJsonObject } from "./json-body.js";
import {
  listScimUsers,
  patchScimUser,
  presentScimUser,
  readScimUser,
  scimAnswer,
  scimError,
} from "./scim-message.js";

const USERS_PATH = /^\/scim\/v2\/Users$/;
const USER_PATH = /^\/scim\/v2\/Users\/([^/]+)$/;
const FILTER = /^\s*(userName|externalId|id|active)\s+eq\s+(?:"([^"]*)"|(true|false))\s*$/i;
const MAX_COUNT = 200;
const DEFAULT_COUNT = 20;

/** The users of identity providers, at 4 requests a second. */
export const SCIM_OPERATIONS: readonly ApiOperation[] = [
  makeOperation("GET", USERS_PATH, listUsers),
  makeOperation("POST", USERS_PATH, addUser),
  makeOperation("GET", USER_PATH, withUser(showUser)),
  makeOperation("PUT", USER_PATH, withUser(replaceUser)),
  makeOperation("PATCH", USER_PATH, withUser(patchUser)),
  makeOperation("DELETE", USER_PATH, withUser(removeUser)),
  makeOperation("GET", /^\/scim\/v2\/ServiceProviderConfig$/, showConfiguration),
];

function makeOperation(method: string, path: RegExp, answer: (call: ApiCall) => Answer): ApiOperation {
  return {
    method,
    path,
    scope: "scim",
    refuse: (status, detail) => scimError(status, detail),
    answer(call) {
      if (!call.scimUsers.exceedsRate(performance.now())) return answer(call);
      const refused = scimError(429, "Too many requests: SCIM takes 4 a second.", "tooMany");
      return { ...refused, headers: { ...refused.headers, "retry-after": "1" } };
    },
  };
}

function withUser(answer: (call: ApiCall, user: ScimUser) => Answer): (call: ApiCall) => Answer {
  return (call) => {
    const user = call.scimUsers.find(call.parameters[0] ?? "");
    return user === undefined ? scimError(404, "User not found") : answer(call, user);
  };
}

function listUsers({ query, scimUsers, origin }: ApiCall): Answer {
  const filter = query.get("filter");
  const [, attribute, text, flag] = FILTER.exec(filter ?? "") ?? [];
  if (filter !== null && attribute === undefined) {
    return scimError(400, 'The filter must be such as userName eq "ada@example.com".', "invalidFilter");
  }
  const wanted = (text ?? flag ?? "").toLowerCase();
  const read = (user: ScimUser): unknown =>
    Object.entries(user).find(([name]) => name.toLowerCase() === attribute?.toLowerCase())?.[1];
  const found = scimUsers.all.filter(
    (user) => attribute === undefined || String(read(user)).toLowerCase() === wanted,
  );
  const startIndex = readNumber(query.get("startIndex"), 1);
  const count = Math.min(MAX_COUNT, readNumber(query.get("count"), DEFAULT_COUNT));
  return listScimUsers(found, startIndex, count, origin);
}

function addUser(call: ApiCall): Answer {
  const body = readJsonObject(call.request);
  const draft = body && readScimUser(body);
  return checkDraft(call, body, draft) ?? show(201, call, call.scimUsers.add(draft as ScimUserDraft));
}

function showUser(call: ApiCall, user: ScimUser): Answer {
  return show(200, call, user);
}

function replaceUser(call: ApiCall, user: ScimUser): Answer {
  const body = readJsonObject(call.request);
  const draft = body && readScimUser(body);
  return (
    checkDraft(call, body, draft, user) ??
    show(200, call, call.scimUsers.replace(user, draft as ScimUserDraft))
  );
}

function patchUser(call: ApiCall, user: ScimUser): Answer {
  const body = readJsonObject(call.request);
  const patched = patchScimUser(presentScimUser(user, call.origin), body?.["Operations"]);
  if (typeof patched === "string") return scimError(400, "Bad Request", patched);
  const draft = readScimUser(patched);
  return (
    checkDraft(call, patched, draft, user) ??
    show(200, call, call.scimUsers.replace(user, draft as ScimUserDraft))
  );
}

function removeUser({ scimUsers }: ApiCall, user: ScimUser): Answer {
  scimUsers.remove(user);
  return emptyAnswer(204);
}

function showConfiguration({ origin }: ApiCall): Answer {
  return scimAnswer(200, {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 1000, maxPayloadSize: 1000 },
    filter: { supported: true, maxResults: MAX_COUNT },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    meta: {
      resourceType: "ServiceProviderConfig",
      location: `${origin}/scim/v2/ServiceProviderConfig`,
    },
  });
}

/** Gives the answer that refuses a user; undefined for one that can be written. */
function checkDraft(
  { scimUsers }: ApiCall,
  body: object | undefined,
  draft: ScimUserDraft | undefined,
  user?: ScimUser,
): Answer | undefined {
  if (body === undefined) return scimError(400, "The body must be a JSON object.", "invalidSyntax");
  if (draft === undefined) {
    return scimError(
      400,
      "A user must have userName, name.givenName, name.familyName and active.",
      "invalidValue",
    );
  }
  if (scimUsers.isTaken(draft.userName, user?.id)) {
    return scimError(409, `User ${draft.userName} already exists`, "uniqueness");
  }
  return scimUsers.hasRoomFor(draft) ? undefined : scimError(507, "The emulator cannot keep more users");
}

function show(status: number, { origin }: ApiCall, user: ScimUser): Answer {
  return scimAnswer(status, presentScimUser(user, origin));
}

/** Reads a number from 1 on. The service takes its default for anything else. */
function readNumber(text: string | null, fallback: number): number {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : fallback;
}
