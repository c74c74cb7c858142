import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { expect, it, vi } from "vitest";

vi.mock("axios", async (importOriginal) => {
  const original = await importOriginal<typeof import("axios")>();
  const old = Object.defineProperty(Object.create(original.default), "VERSION", { value: "1.16.0" });
  return { ...original, default: old };
});

it("is refused for an axios that sends https requests unencrypted to proxies", () => {
  const source = { api: "https://api.talkdeskapp.com", getToken: () => new Promise<never>(() => {}) };
  expect(() => talkdeskAxios(source)).toThrow(TypeError);
  expect(() => talkdeskAxios(source)).toThrow(/axios 1\.16\.0 is too old: use 1\.16\.1 or newer/);
});
