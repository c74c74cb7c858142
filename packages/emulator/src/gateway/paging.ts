import { type Answer, jsonAnswer } from "../message/answer.js";
import { apiError, apiErrorCodes } from "../message/api-error.js";
import type { ApiCall } from "./api-operation.js";

const defaultPerPage = 50;
const maximumPerPage = 100;

/**
 * Answers with one page of a list, in HAL: `page` counts from 1, `per_page` is 50 unless said otherwise and 100 at
 * most, links are absolute.
 */
export function pageAnswer<Item>(
  { request, query, origin }: ApiCall,
  name: string,
  items: readonly Item[],
  present: (item: Item) => unknown,
): Answer {
  const page = readPositive(query.get("page"), 1);
  const perPage = readPositive(query.get("per_page"), defaultPerPage);
  if (page === undefined || perPage === undefined || perPage > maximumPerPage) {
    return apiError(400, apiErrorCodes.invalidRequest, "Invalid paging", {
      fields: [
        { name: "page, per_page", description: `Integers from 1; per_page is at most ${maximumPerPage}.` },
      ],
    });
  }
  const lastPage = Math.max(1, Math.ceil(items.length / perPage));
  const shown = items.slice((page - 1) * perPage, page * perPage).map(present);
  const link = (number: number): { href: string } => {
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
      self: link(page),
      first: link(1),
      last: link(lastPage),
      ...(page < lastPage && { next: link(page + 1) }),
      ...(page > 1 && { prev: link(Math.min(page - 1, lastPage)) }),
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
