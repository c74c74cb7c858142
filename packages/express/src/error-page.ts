import { createHash } from "node:crypto";
import type { Response } from "express";
import { challengeWith } from "./problem.js";

/** What a person reads when something has failed, as text: markup in it is shown, not obeyed. */
export interface ErrorPage {
  readonly status: number;
  readonly title: string;
  /** One paragraph each. */
  readonly text: readonly string[];
  /** What to do next. */
  readonly link?: { readonly name: string; readonly address: string };
  /** Who helps: an e-mail address, an https address, or any text. */
  readonly contact?: string;
}

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center}
main{box-sizing:border-box;width:min(34rem,100%);padding:2rem 1.5rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}`;

let policy: string | undefined;

/**
 * Answers with a small page that works without anything else: no script, no picture, nothing from elsewhere. It may
 * replace the app's own `Content-Security-Policy` for this one answer, since it is as strict as can be.
 */
export function sendErrorPage(response: Response, page: ErrorPage): void {
  policy ??= `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  challengeWith(response, page.status);
  response
    .status(page.status)
    .set({
      "Cache-Control": "no-store",
      "Content-Security-Policy": policy,
      "Content-Type": "text/html; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
    })
    .send(htmlOf(page));
}

function htmlOf({ title, text, link, contact }: ErrorPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${text.map((paragraph) => `<p>${escaped(paragraph)}</p>\n`).join("")}${link ? `<p><a href="${escaped(link.address)}">${escaped(link.name)}</a></p>\n` : ""}${contact ? `<p>If this keeps happening, contact ${contactLink(contact)}.</p>\n` : ""}</main>
</body>
</html>
`;
}

function contactLink(contact: string): string {
  const shown = escaped(contact);
  if (/^https?:\/\/\S+$/i.test(contact)) return `<a href="${shown}">${shown}</a>`;
  if (/^[^\s@/:?&]+@[^\s@/:?&]+$/.test(contact)) return `<a href="mailto:${shown}">${shown}</a>`;
  return shown;
}

const REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => REFERENCES[character] ?? "");
}
