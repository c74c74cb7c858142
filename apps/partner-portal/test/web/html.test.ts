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
  it("escapes any text, so that it is shown as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const [, inside = ""] =
          /^<p title="(.*)">x<\/p>$/s.exec(String(html`<p title="${text}">x</p>`)) ?? [];
        expect(inside).not.toMatch(/[<>"']/);
        expect(read(inside)).toBe(text);
      }),
    );
  });

  it("escapes once, however deeply templates are nested", () => {
    const inner = html`<b>${"a & b"}</b>`;
    expect(String(html`<p>${[inner, " < ", [inner]]}</p>`)).toBe(
      "<p><b>a &amp; b</b> &lt; <b>a &amp; b</b></p>",
    );
  });

  it("omits absent values, and shows zero and empty text", () => {
    expect(String(html`[${undefined}${false}${0}${""}${[]}]`)).toBe("[0]");
  });

  it("takes no other object for markup", () => {
    const forged = { toString: () => "<script>" } as unknown as string;
    expect(() => html`${forged}`).toThrow(TypeError);
  });
});
