import { challengeOf } from "./problem.js";

/** The content of an error page, as plain text: markup in it is escaped. */
export interface ErrorPage {
  readonly status: number;
  readonly title: string;
  /** One paragraph each. */
  readonly text: readonly string[];
  /** What to do next. */
  readonly link?: { readonly name: string; readonly address: string };
  /** The contact to show: an e-mail address, an https address, or any text. */
  readonly contact?: string;
}

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center}
main{box-sizing:border-box;width:min(34rem,100%);padding:2rem 1.5rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}`;

/** The SHA-256 digest of the style. It is a constant because Web Crypto computes digests asynchronously only. */
const STYLE_HASH = "sha256-nN2CQZyz537cXdPs5YNTt0iZNI5RSeAJdmsMb/aYb5A=";

const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * Makes a small page that loads nothing: no script, no picture, no other file. Its `Content-Security-Policy` allows
 * nothing but the page's style.
 */
export function errorPage(page: ErrorPage): Response {
  return new Response(htmlOf(page), {
    status: page.status,
    headers: {
      ...challengeOf(page.status),
      "Cache-Control": "no-store",
      "Content-Security-Policy": POLICY,
      "Content-Type": "text/html; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
    },
  });
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
