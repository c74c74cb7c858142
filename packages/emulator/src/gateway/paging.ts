import { type Answer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import type { ApiCall } from "./api-operation.js";

const DEFAULT_PER_PAGE = 50;
const MAX_PER_PAGE = 100;

/**
 * Makes an answer with one page of a list, in HAL with absolute links. The query parameter `page` counts from 1;
 * `per_page` is 50 by default and 100 at most.
 */
export function pageAnswer<Item>(
  { request, query, origin }: ApiCall,
  name: string,
  items: readonly Item[],
  present: (item: Item) => unknown,
): Answer {
  const page = readPositive(query.get("page"), 1);
  const perPage = readPositive(query.get("per_page"), DEFAULT_PER_PAGE);
  if (page === undefined || perPage === undefined || perPage > MAX_PER_PAGE) {
    return apiError(400, API_ERROR_CODES.invalidRequest, "Invalid paging", {
      fields: [
        {
          name: "page, per_page",
          description: `Must be integers from 1; per_page is at most ${MAX_PER_PAGE}.`,
        },
      ],
    });
  }
  const lastPage = Math.max(1, Math.ceil(items.length / perPage));
  const shown = items.slice((page - 1) * perPage, page * perPage).map(present);
  const makeLink = (number: number): { href: string } => {
    const url = new URL(request.url, origin);
    url.searchParams.set("page", String(number));
    url.searchParams.set("per_page", String(perPage));
    return { href: url.href };
  };
  return halAnswer(200, {
    total: items.length,
    count: shown.length,
    page,
    per_page: perPage,
    _embedded: { [name]: shown },
    _links: {
      self: makeLink(page),
      first: makeLink(1),
      last: makeLink(lastPage),
      ...(page < lastPage && { next: makeLink(page + 1) }),
      ...(page > 1 && { prev: makeLink(Math.min(page - 1, lastPage)) }),
    },
  });
}

/** Makes an answer in HAL. */
export function halAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, body, headers, "application/hal+json");
}

function readPositive(text: string | null, fallback: number): number | undefined {
  if (text === null) return fallback;
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
}
