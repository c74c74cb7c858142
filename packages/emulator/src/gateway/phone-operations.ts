import { type Answer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { pageAnswer } from "./paging.js";

const SCOPE = "phone-details:read";
const MAX_PER_PAGE = 500;

/** `GET /phone-details/numbers` and `GET /phone-details/numbers/{id}`. */
export const PHONE_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: /^\/phone-details\/numbers$/, scope: SCOPE, answer: listNumbers },
  { method: "GET", path: /^\/phone-details\/numbers\/([^/]+)$/, scope: SCOPE, answer: showNumber },
];

/** `?search=` finds texts in the name and the number. An asterisk at either end changes nothing. */
function listNumbers(call: ApiCall): Answer {
  const wanted = (call.query.get("search") ?? "").replace(/^\*|\*$/g, "").toLowerCase();
  const found = call.directory.phoneNumbers.filter(({ friendly_name, phone_number }) =>
    `${friendly_name} ${phone_number}`.toLowerCase().includes(wanted),
  );
  const paging = { maxPerPage: MAX_PER_PAGE, previous: "previous" } as const;
  return pageAnswer(call, "phone_numbers", found, (number) => number, paging);
}

function showNumber({ parameters, directory }: ApiCall): Answer {
  const number = directory.phoneNumbers.find(({ id }) => id === parameters[0]);
  return number === undefined
    ? apiError(404, API_ERROR_CODES.phoneNumberNotFound, "The requested resource was not found. (Not Found)")
    : jsonAnswer(200, number);
}
