import { readRequestFacts } from "@talkdesk-oauth/login";
import { describe, expect, it } from "vitest";

const factsOf = (headers: Record<string, string>, method = "GET") =>
  readRequestFacts({ method, url: "https://app.example.com/page?a=1", headers: new Headers(headers) });

describe("readRequestFacts()", () => {
  it.each([
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
    ["text/html", true],
    ["text/*;q=0.5, application/json;q=0.4", true],
    ["TEXT/HTML", true],
    ["text/html, application/json", true],
    ["application/json, text/html", false],
    ["application/json, text/plain, */*", false],
    ["text/html;q=0.5, application/json", false],
    ["text/html;q=0, */*", false],
    ["text/html;q=x", false],
    ["*/*", false],
    ["image/avif,*/*;q=0.8", false],
    ["application/problem+json", false],
    ["", false],
  ])("takes a client that accepts %j for a browser: %s", (accept, wantsHtml) => {
    expect(factsOf({ accept }).wantsHtml).toBe(wantsHtml);
  });

  it("takes a client that says nothing for a program", () => {
    expect(factsOf({}).wantsHtml).toBe(false);
  });

  it.each([
    [{}, true],
    [{ "sec-fetch-mode": "cors" }, true],
    [{ "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, true],
    [{ "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }, true],
    [{ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }, false],
    [{ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, false],
  ])("reads from %j whether a person opens a page: %s", (headers, isNavigation) => {
    expect(factsOf(headers as Record<string, string>).isNavigation).toBe(isNavigation);
    expect(factsOf(headers as Record<string, string>, "POST").isNavigation).toBe(false);
  });

  it.each([
    ["https://app.example.com/page?a=1", "/page?a=1"],
    ["http://localhost//evil.example", "//evil.example"],
    ["/page", "/page"],
  ])("reads path and query of %s", (url, expected) => {
    expect(readRequestFacts({ method: "GET", url, headers: new Headers() }).url).toBe(expected);
  });
});
