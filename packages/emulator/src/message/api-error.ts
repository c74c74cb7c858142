import { type Answer, jsonAnswer } from "./answer.js";

/** A member of a request that is wrong. */
export interface FieldError {
  readonly name: string;
  readonly description: string;
}

/** The codes of API errors: seven digits, of which the first name a service of Talkdesk. */
export const API_ERROR_CODES = {
  missingToken: "0070201",
  noUserContext: "0040001",
  unauthorized: "0070010",
  insufficientScope: "0070011",
  notFound: "0070404",
  methodNotAllowed: "0070405",
  operationFailed: "0070500",
  unsupportedMediaType: "0020001",
  missingParameters: "0020006",
  malformedJson: "0020007",
  invalidFields: "0020008",
  userNotFound: "0040000",
  recordingNotFound: "0050000",
  phoneNumberNotFound: "1394004",
  invalidRequest: "0250001",
  contactNotFound: "0250404",
  invalidReport: "1020001",
  reversedTimespan: "1020005",
  reportNotFound: "1020011",
  invalidTimezone: "1020016",
  tooManyReports: "1020017",
} as const;

/** Makes an error answer of a gateway, or of the introspection endpoint. */
export function apiError(
  status: number,
  code: (typeof API_ERROR_CODES)[keyof typeof API_ERROR_CODES],
  message: string,
  { description, fields }: { readonly description?: string; readonly fields?: readonly FieldError[] } = {},
): Answer {
  const answer = jsonAnswer(
    status,
    {
      code,
      message,
      ...(description !== undefined && { description }),
      ...(fields !== undefined && { fields }),
    },
    {},
    "application/json",
  );
  const reasons = [description, ...(fields ?? []).map((field) => `${field.name}: ${field.description}`)];
  return { ...answer, refusal: [message, ...reasons.filter(Boolean)].join(": ") };
}

/** Makes the answer to a method that a path does not take. `allow` lists the methods that it takes. */
export function methodNotAllowed(allow: string): Answer {
  const answer = apiError(405, API_ERROR_CODES.methodNotAllowed, "Method not allowed");
  return { ...answer, headers: { ...answer.headers, allow } };
}
