import { type Answer, jsonAnswer } from "../message/answer.js";
import type { ScimUser, ScimUserDraft } from "../world/scim-users.js";

const CORE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User";
const EXTENSION_SCHEMA = "urn:ietf:params:scim:schemas:extension:talkdesk:2.0:User";

/** The kinds of errors of RFC 7644 §3.12 that the operations give. */
export type ScimErrorType =
  | "invalidFilter"
  | "invalidPath"
  | "invalidSyntax"
  | "invalidValue"
  | "tooMany"
  | "uniqueness";

/** Makes an answer of SCIM. */
export function scimAnswer(status: number, body: unknown): Answer {
  return jsonAnswer(status, body, {}, "application/scim+json");
}

/** Makes an error answer of SCIM, which differs from those of the other operations. */
export function scimError(status: number, detail: string, scimType?: ScimErrorType): Answer {
  const answer = scimAnswer(status, {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"],
    status: String(status),
    detail,
    ...(scimType !== undefined && { scimType }),
  });
  return { ...answer, refusal: detail };
}

/** Makes the list of a page of users. `startIndex` counts from 1. */
export function listScimUsers(
  users: readonly ScimUser[],
  startIndex: number,
  count: number,
  origin: string,
): Answer {
  const shown = users.slice(startIndex - 1, startIndex - 1 + count);
  return scimAnswer(200, {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    Resources: shown.map((user) => presentScimUser(user, origin)),
    totalResults: users.length,
    startIndex,
    itemsPerPage: shown.length,
  });
}

/** Gives a user in the form of SCIM. */
export function presentScimUser(user: ScimUser, origin: string): Readonly<Record<string, unknown>> {
  const { id, externalId, userName, name, active, extension, created } = user;
  return {
    schemas: [CORE_SCHEMA, ...(extension === undefined ? [] : [EXTENSION_SCHEMA])],
    id,
    ...(externalId !== undefined && { externalId }),
    meta: {
      resourceType: "User",
      created,
      lastModified: created,
      location: `${origin}/scim/v2/Users/${id}`,
    },
    userName,
    name,
    active,
    ...(extension !== undefined && { [EXTENSION_SCHEMA]: extension }),
  };
}

/** Reads the user in a body. Gives undefined when a member is missing or wrong. */
export function readScimUser(body: Readonly<Record<string, unknown>>): ScimUserDraft | undefined {
  const { userName, name, active, externalId, [EXTENSION_SCHEMA]: extension } = body;
  const { givenName, familyName } = Object(name) as Record<string, unknown>;
  const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
  if (!isText(userName) || !isText(givenName) || !isText(familyName) || typeof active !== "boolean") {
    return undefined;
  }
  if (externalId !== undefined && !isText(externalId)) return undefined;
  if (extension !== undefined && !Object.values(Object(extension)).every(isText)) return undefined;
  return {
    userName,
    name: { givenName, familyName },
    active,
    ...(externalId !== undefined && { externalId }),
    ...(extension !== undefined && { extension: extension as Readonly<Record<string, string>> }),
  };
}

/**
 * Applies the operations of a PATCH to the members of a user (RFC 7644 §3.5.2): `add` and `replace`, for a member or for
 * several at once.
 *
 * @returns The members, or the kind of the error.
 */
export function patchScimUser(
  members: Readonly<Record<string, unknown>>,
  operations: unknown,
): Readonly<Record<string, unknown>> | ScimErrorType {
  if (!Array.isArray(operations) || operations.length === 0) return "invalidSyntax";
  const patched = structuredClone(members) as Record<string, unknown>;
  for (const { op, path, value } of operations.map(Object)) {
    if (typeof op !== "string" || !/^(?:add|replace)$/i.test(op)) return "invalidSyntax";
    const changes: unknown = path === undefined ? value : { [String(path)]: value };
    if (typeof changes !== "object" || changes === null || Array.isArray(changes)) return "invalidValue";
    for (const [name, content] of Object.entries(changes)) {
      const [, member] = /^name\.(givenName|familyName)$/.exec(name) ?? [];
      if (member !== undefined) {
        patched["name"] = { ...Object(patched["name"]), [member]: content };
      } else if (["active", "userName", "externalId", "name", EXTENSION_SCHEMA].includes(name)) {
        // Azure sends booleans as text.
        patched[name] =
          name === "active" && typeof content === "string" ? content.toLowerCase() === "true" : content;
      } else {
        return "invalidPath";
      }
    }
  }
  return patched;
}
