import { type Html, html } from "../html.js";
import type { User } from "../users.js";
import { breakable } from "./breakable.js";
import { layout } from "./layout.js";

/** What the page tells of the token: never the token. */
export interface AccessSummary {
  /** Until it is renewed at the latest. */
  readonly secondsLeft: number;
  /** Undefined when Talkdesk did not say. */
  readonly scopes: readonly string[] | undefined;
}

/** The page of who is signed in. */
export function profilePage(user: User, { secondsLeft, scopes }: AccessSummary): Html {
  return layout(
    { title: "Profile", isSignedIn: true, part: "/profile" },
    html`<h1>Profile</h1>
<section class="panel person">
<span class="portrait" aria-hidden="true">${initials(user.name)}</span>
<div>
<p class="name">${user.name || "No name"}</p>
<dl>
<div><dt>E-mail</dt><dd>${breakable(user.email || "–")}</dd></div>
<div><dt>User ID</dt><dd><code>${user.id}</code></dd></div>
</dl>
</div>
</section>
<section class="panel">
<h2>What this portal may do</h2>
<p>It acts for you at Talkdesk until you sign out. Its present permission is good for ${minutesText(secondsLeft)} more, and is renewed whenever you need it.</p>
${
  scopes !== undefined &&
  html`<ul class="chips" aria-label="Scopes">${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>`
}
</section>`,
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? "")][0] ?? "",
  );
  return letters.join("").toUpperCase() || "?";
}

function minutesText(seconds: number): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes === 0) return "less than a minute";
  return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
}
