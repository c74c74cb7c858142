import type { Answer } from "../message/answer.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { halAnswer } from "./paging.js";

/** `GET /account`. */
export const ACCOUNT_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: /^\/account$/, scope: "account:read", answer: showAccount },
];

function showAccount({ token, accountId, origin }: ApiCall): Answer {
  return halAnswer(200, {
    id: accountId,
    name: token.account,
    company_name: `${token.account} (emulated)`,
    timezone: "Etc/UTC",
    created_at: "2024-01-01T00:00:00.000Z",
    _links: { self: { href: `${origin}/account` }, users: { href: `${origin}/users` } },
  });
}
