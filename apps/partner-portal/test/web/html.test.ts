import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { html } from "../../src/web/html.js";

const unescaped: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};
const read = (markup: string): string =>
  markup.replace(/&(?:amp|lt|gt|quot|#39);/g, (name) => unescaped[name] ?? "");

describe("html", () => {
  it("shows any text as it is, and lets none of it be markup", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const [, inside = ""] =
          /^<p title="(.*)">x<\/p>$/s.exec(String(html`<p title="${text}">x</p>`)) ?? [];
        expect(inside).not.toMatch(/[<>"']/);
        expect(read(inside)).toBe(text);
      }),
    );
  });

  it("escapes once, however deep", () => {
    const inner = html`<b>${"a & b"}</b>`;
    expect(String(html`<p>${[inner, " < ", [inner]]}</p>`)).toBe(
      "<p><b>a &amp; b</b> &lt; <b>a &amp; b</b></p>",
    );
  });

  it("makes nothing of what is absent, and something of zero and of an empty text", () => {
    expect(String(html`[${undefined}${false}${0}${""}${[]}]`)).toBe("[0]");
  });

  it("takes nothing else for markup", () => {
    const forged = { toString: () => "<script>" } as unknown as string;
    expect(() => html`${forged}`).toThrow(TypeError);
  });
});
