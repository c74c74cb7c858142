import { type Html, html } from "../web/html.js";

/** The parts of a page around its content. */
export interface PageFrame {
  /** The title of the page, without the name of the portal. */
  readonly title: string;
  /** Names the signed-in user, empty when the name is not known; undefined when nobody is signed in. */
  readonly viewer: string | undefined;
  /** The link of the navigation to mark as current. */
  readonly part?: Part;
  /** Where no script runs, the page loads itself again after this many seconds. */
  readonly refreshSeconds?: number;
  /** The name of a script in `public`. */
  readonly script?: string;
}

/** A target of the navigation. */
type Part = "/contacts" | "/reports" | "/profile";

const PARTS: readonly (readonly [Part, string])[] = [
  ["/contacts", "Contacts"],
  ["/reports", "Reports"],
  ["/profile", "Profile"],
];

/** Renders a whole page around its content. */
export function renderPage({ title, viewer, part, refreshSeconds, script }: PageFrame, content: Html): Html {
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
  viewer !== undefined
    ? html`<nav aria-label="Portal">${PARTS.map(([path, name]) => renderLink(path, name, path === part))}</nav>
${viewer !== "" && html`<p class="viewer"><span class="unseen">Signed in as </span><bdi>${viewer}</bdi></p>`}
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

function renderLink(path: string, name: string, isCurrent: boolean): Html {
  return html`<a href="${path}"${isCurrent && html` aria-current="page"`}>${name}</a>`;
}
