import { expect, it } from "vitest";
import { returnPath } from "../../src/failures/return-path.js";

it.each([
  ["/contacts?q=a", "/contacts?q=a"],
  ["//evil.example/x", "/"],
  ["/\\evil.example", "/"],
  ["http://evil.example/", "/"],
  ["*", "/"],
  ["/auth/callback?code=c&state=s", "/"],
  ["/AUTH/callback?code=c", "/"],
])("after a failure at %s, the link leads to %s", (originalUrl, path) => {
  expect(returnPath({ originalUrl })).toBe(path);
});
