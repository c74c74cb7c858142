import * as talkdeskFastify from "@talkdesk-oauth/fastify";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(talkdeskFastify).sort()).toEqual([
    "requireLogin",
    "talkdesk",
    "talkdeskErrorHandler",
    "talkdeskLogin",
    "talkdeskPlugin",
  ]);
});
