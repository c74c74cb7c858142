import * as talkdeskExpress from "@talkdesk-oauth/express";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(talkdeskExpress).sort()).toEqual([
    "requireLogin",
    "talkdesk",
    "talkdeskErrorHandler",
    "talkdeskLogin",
  ]);
});
