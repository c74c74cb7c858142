import { type Html, html } from "../html.js";

/** What surrounds the content of a page. */
export interface PageFrame {
  /** What the page is, for the title and for its heading. */
  readonly title: string;
  readonly isSignedIn: boolean;
  /** The part of the portal that the page belongs to, if any. */
  readonly part?: Part;
  /** Loads the page again after this many seconds, where no script runs. */
  readonly refreshSeconds?: number;
  /** A script of `public`, by its name. */
  readonly script?: string;
}

/** A part of the portal that the navigation leads to. */
type Part = "/contacts" | "/reports" | "/profile";

const parts: readonly (readonly [Part, string])[] = [
  ["/contacts", "Contacts"],
  ["/reports", "Reports"],
  ["/profile", "Profile"],
];

/** Makes a whole page of its content. */
export function layout({ title, isSignedIn, part, refreshSeconds, script }: PageFrame, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · Partner portal</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
${refreshSeconds !== undefined && html`<noscript><meta http-equiv="refresh" content="${refreshSeconds}"></noscript>`}
${script !== undefined && html`<script src="/static/${script}" type="module"></script>`}
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<div class="inner">
<a class="brand" href="/"><img src="/static/icon.svg" alt="" width="28" height="28">Partner portal</a>
${
  isSignedIn
    ? html`<nav aria-label="Portal">${parts.map(([path, name]) => link(path, name, path === part))}</nav>
<form class="sign-out" method="post" action="/auth/logout"><button class="quiet">Sign out</button></form>`
    : html`<a class="quiet button" href="/auth/login">Sign in</a>`
}
</div>
</header>
<main id="content" tabindex="-1">
${content}
</main>
<footer class="bottom"><div class="inner">An example of talkdesk-oauth. Your tokens stay on the server.</div></footer>
</body>
</html>
`;
}

function link(path: string, name: string, isCurrent: boolean): Html {
  return html`<a href="${path}"${isCurrent && html` aria-current="page"`}>${name}</a>`;
}
