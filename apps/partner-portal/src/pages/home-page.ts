import type { User } from "../api/users.js";
import { type Html, html } from "../web/html.js";
import { renderPage } from "./layout.js";

/** Renders the home page of a visitor: what the portal offers, and the link to the login. */
export function renderWelcomePage(): Html {
  return renderPage(
    { title: "Welcome", viewer: undefined },
    html`<section class="hero">
<h1>Your contact centre, at a glance</h1>
<p class="lead">Look up your contacts and download reports of your calls, with the Talkdesk account you already have.</p>
<p><a class="primary button" href="/auth/login">Sign in with Talkdesk</a></p>
</section>
<ul class="cards">
<li><h2>Contacts</h2><p>Find the contacts of your Talkdesk account by name.</p></li>
<li><h2>Reports</h2><p>Request a list of calls, watch its progress, and download it.</p></li>
<li><h2>Privacy</h2><p>The portal sees only what your own account may see, and only until you sign out.</p></li>
</ul>`,
  );
}

/** Renders the home page of a signed-in user. */
export function renderHomePage(viewer: string, { name }: User): Html {
  return renderPage(
    { title: "Home", viewer },
    html`<h1>Hello${name !== "" && html`, ${name}`}</h1>
<p class="lead">What would you like to do?</p>
<ul class="cards">
<li><h2><a href="/contacts">Contacts</a></h2><p>Find the contacts of your Talkdesk account by name.</p></li>
<li><h2><a href="/reports">Reports</a></h2><p>Request a list of calls, watch its progress, and download it.</p></li>
<li><h2><a href="/profile">Profile</a></h2><p>See your Talkdesk user, and what this portal may do for you.</p></li>
</ul>`,
  );
}
