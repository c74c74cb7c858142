import type { User } from "../api/users.js";
import { type Html, html } from "../web/html.js";
import { breakAtDomain } from "./break-at-domain.js";
import { renderPage } from "./layout.js";

/** What the page says about the access token. It never shows the token. */
export interface AccessSummary {
  /** The rest of the lifetime of the token; it is renewed earlier. */
  readonly secondsLeft: number;
  /** Undefined when Talkdesk did not send them. */
  readonly scopes: readonly string[] | undefined;
}

/** Renders the profile of the signed-in user. */
export function renderProfilePage(viewer: string, user: User, { secondsLeft, scopes }: AccessSummary): Html {
  return renderPage(
    { title: "Profile", viewer, part: "/profile" },
    html`<h1>Profile</h1>
<section class="panel person">
<span class="portrait" aria-hidden="true">${findInitials(user.name)}</span>
<div>
<p class="name">${user.name || "No name"}</p>
<dl>
<div><dt>E-mail</dt><dd>${breakAtDomain(user.email || "–")}</dd></div>
<div><dt>User ID</dt><dd><code>${user.id}</code></dd></div>
</dl>
</div>
</section>
<section class="panel">
<h2>What this portal may do</h2>
<p>This portal can use Talkdesk for you until you sign out. Its current access token is valid for ${formatMinutes(secondsLeft)}, and is renewed when needed.</p>
${
  scopes !== undefined &&
  html`<ul class="chips" aria-label="Scopes">${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>`
}
</section>`,
  );
}

function findInitials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? "")][0] ?? "",
  );
  return letters.join("").toUpperCase() || "?";
}

function formatMinutes(seconds: number): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes === 0) return "less than a minute";
  return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
}
