import { type Answer, emptyAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, type FieldError } from "../message/api-error.js";
import { isJson, readMediaType } from "../message/media-type.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readJsonObject } from "./json-body.js";

/** `POST /calls/callback`: asks for a call to a contact. */
export const CALLBACK_OPERATIONS: readonly ApiOperation[] = [
  { method: "POST", path: /^\/calls\/callback$/, scope: "callback:write", answer: requestCallback },
];

/** E.164, with its plus sign. */
const PHONE_NUMBER = /^\+[1-9]\d{6,14}$/;
const FIELD_MEMBERS = ["name", "display_name", "tooltip_text", "data_type", "value"];
const DATA_TYPES: readonly unknown[] = ["phone", "text", "url"];

/** The emulator calls nobody. It does not check that the Talkdesk number belongs to the account, as the service does. */
function requestCallback({ request }: ApiCall): Answer {
  if (!isJson(readMediaType(request.headers["content-type"]))) {
    return apiError(415, API_ERROR_CODES.unsupportedMediaType, "Unsupported Media Type");
  }
  const body = readJsonObject(request);
  if (body === undefined) {
    return apiError(400, API_ERROR_CODES.malformedJson, "Invalid JSON in request body");
  }
  const names = ["talkdesk_phone_number", "contact_phone_number"];
  const missing = names.filter((name) => body[name] === undefined);
  if (missing.length > 0) {
    return apiError(400, API_ERROR_CODES.missingParameters, "Missing parameter(s)", {
      fields: missing.map((name) => ({ name, description: "Is missing." })),
    });
  }
  const wrong: readonly FieldError[] = [
    ...names
      .filter((name) => !PHONE_NUMBER.test(String(body[name])))
      .map((name) => ({ name, description: "Must be a phone number such as +12025550190." })),
    ...(isContext(body["context"])
      ? []
      : [{ name: "context", description: `Must have fields, a list of { ${FIELD_MEMBERS.join(", ")} }.` }]),
  ];
  return wrong.length > 0
    ? apiError(400, API_ERROR_CODES.invalidFields, "Invalid fields", { fields: wrong })
    : emptyAnswer(200);
}

function isContext(context: unknown): boolean {
  if (context === undefined) return true;
  const { fields } = Object(context) as { fields?: unknown };
  return (
    Array.isArray(fields) &&
    fields.every(
      (field) =>
        FIELD_MEMBERS.every((name) => typeof field?.[name] === "string") &&
        DATA_TYPES.includes(field.data_type),
    )
  );
}
