import * as talkdeskLogin from "@talkdesk-oauth/login";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(talkdeskLogin).sort()).toEqual([
    "LoginFailure",
    "PRIVATE_HEADERS",
    "checkErrorHandlerOptions",
    "checkOptionNames",
    "errorAnswer",
    "frameworkLogin",
    "isContentHeader",
    "isSameOrigin",
    "isTokenSource",
    "loginRequired",
    "loginRequirement",
    "notedSession",
    "parseReturnTo",
    "readRequestFacts",
    "requestTalkdesk",
    "serverSession",
    "sourceChooser",
    "storedSession",
    "talkdeskLogin",
    "toWebHeaders",
  ]);
});
