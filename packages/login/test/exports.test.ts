import * as talkdeskLogin from "@talkdesk-oauth/login";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(talkdeskLogin).sort()).toEqual([
    "LoginFailure",
    "bindSource",
    "checkChosenSource",
    "checkLoginAddress",
    "checkOptionNames",
    "checkSourceChoice",
    "errorAnswer",
    "isContentHeader",
    "isSameOrigin",
    "isTokenSource",
    "loginRequired",
    "parseReturnTo",
    "readRequestFacts",
    "serverSession",
    "storedSession",
    "talkdeskLogin",
  ]);
});
