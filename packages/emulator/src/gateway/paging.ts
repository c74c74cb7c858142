import { type Answer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import type { ApiCall } from "./api-operation.js";

/** How a list is paged. */
export interface Paging {
  readonly defaultPerPage: number;
  readonly maxPerPage: number;
  /** The name of the link to the page before. */
  readonly previous: "prev" | "previous";
}

const USUAL_PAGING: Paging = { defaultPerPage: 50, maxPerPage: 100, previous: "prev" };

/**
 * Makes an answer with one page of a list, in HAL with absolute links. The query parameter `page` counts from 1.
 *
 * @param paging Default: 50 items on a page and 100 at most.
 */
export function pageAnswer<Item>(
  { request, query, origin }: ApiCall,
  name: string,
  items: readonly Item[],
  present: (item: Item) => unknown,
  paging: Partial<Paging> = {},
): Answer {
  const { defaultPerPage, maxPerPage, previous } = { ...USUAL_PAGING, ...paging };
  const page = readPositive(query.get("page"), 1);
  const perPage = readPositive(query.get("per_page"), defaultPerPage);
  if (page === undefined || perPage === undefined || perPage > maxPerPage) {
    return apiError(400, API_ERROR_CODES.invalidRequest, "Invalid paging", {
      fields: [
        {
          name: "page, per_page",
          description: `Must be integers from 1; per_page is at most ${maxPerPage}.`,
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
      ...(page > 1 && { [previous]: makeLink(Math.min(page - 1, lastPage)) }),
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
