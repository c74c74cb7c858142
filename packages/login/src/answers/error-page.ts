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

const STYLE = `:root{color-scheme:light dark;--ground:#f5f6fa;--surface:#fff;--line:#dcdfe9;--text:#1a1d29;--muted:#575d70;--link:#3542b4;--accent:#4453d6;--on-accent:#fff;font:1rem/1.55 system-ui,sans-serif}
@media (prefers-color-scheme:dark){:root{--ground:#11131a;--surface:#1a1d27;--line:#303544;--text:#eceef5;--muted:#a7adc0;--link:#aab4ff;--accent:#6474f0;--on-accent:#0c0e1a}}
*{box-sizing:border-box}
body{background:var(--ground);color:var(--text);margin:0;min-height:100vh;padding:1rem;display:grid;place-items:center}
main{background:var(--surface);border:1px solid var(--line);border-radius:.75rem;width:min(36rem,100%);padding:clamp(1.25rem,6vw,2.5rem);overflow-wrap:anywhere}
h1{font-size:clamp(1.4rem,1.2rem + 1vw,1.75rem);letter-spacing:-.02em;line-height:1.2;margin:0}
p{margin:1rem 0 0}
h1+p{color:var(--muted);font-size:1.125rem}
a{color:var(--link);text-underline-offset:.2em}
a:focus-visible{outline:3px solid var(--link);outline-offset:3px}
.action a{background:var(--accent);border:1px solid transparent;border-radius:.55rem;color:var(--on-accent);display:inline-block;font-weight:600;line-height:1.4;padding:.65rem 1.1rem;text-decoration:none}
.action a:hover{text-decoration:underline}`;

/** The SHA-256 digest of the style. It is a constant because Web Crypto computes digests asynchronously only. */
const STYLE_HASH = "sha256-u7QoTHYu52I/rf8dasYCWFkSK0S/l6AdSTOj1wSZJwI=";

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
${text.map((paragraph) => `<p>${escaped(paragraph)}</p>\n`).join("")}${link ? `<p class="action"><a href="${escaped(link.address)}">${escaped(link.name)}</a></p>\n` : ""}${contact ? `<p>If this keeps happening, contact ${contactLink(contact)}.</p>\n` : ""}</main>
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
