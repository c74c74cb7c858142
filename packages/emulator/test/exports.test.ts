import * as emulator from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";

it("exports this and nothing else", () => {
  expect(Object.keys(emulator).sort()).toEqual(["answers", "startEmulator"]);
});
