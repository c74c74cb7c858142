import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import type { User } from "../world/directory.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { halAnswer, pageAnswer } from "./paging.js";

/** `GET /users`, `/users/me` and `/users/{id}`. */
export const USER_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: /^\/users\/me$/, scope: "openid", answer: showOwnUser },
  { method: "GET", path: /^\/users\/([^/]+)$/, scope: "users:read", answer: showUser },
  {
    method: "GET",
    path: /^\/users$/,
    scope: "users:read",
    answer: (call) =>
      pageAnswer(call, "users", call.directory.users, (user) => presentUser(user, call.origin)),
  },
];

function showUser({ parameters, directory, origin }: ApiCall): Answer {
  const user = directory.users.find(({ id }) => id === parameters[0]);
  return user === undefined
    ? apiError(404, API_ERROR_CODES.userNotFound, "User not found")
    : halAnswer(200, presentUser(user, origin));
}

function showOwnUser({ token, directory, origin }: ApiCall): Answer {
  const user = token.userId === undefined ? undefined : directory.findUser(token.userId);
  if (user === undefined) {
    return apiError(400, API_ERROR_CODES.noUserContext, "No user context", {
      description: "The token was issued for client credentials, not for a user.",
    });
  }
  return halAnswer(200, { sub: user.id, ...presentUser(user, origin) });
}

function presentUser(user: User, origin: string): Record<string, unknown> {
  return { ...user, _links: { self: { href: `${origin}/users/${user.id}` } } };
}
