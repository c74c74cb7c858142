import { type Html, html } from "../html.js";
import type { User } from "../users.js";
import { layout } from "./layout.js";

/** The page for everybody: what the portal is for, and the way in. */
export function welcomePage(): Html {
  return layout(
    { title: "Welcome", isSignedIn: false },
    html`<section class="hero">
<h1>Your contact centre, at a glance</h1>
<p class="lead">Look up contacts and take reports of your calls with you, with the account that you have already.</p>
<p><a class="primary button" href="/auth/login">Sign in with Talkdesk</a></p>
</section>
<ul class="cards">
<li><h2>Contacts</h2><p>Search everybody who is in your address book.</p></li>
<li><h2>Reports</h2><p>Have the calls of a period listed, watch it happen, download the file.</p></li>
<li><h2>Privacy</h2><p>What you see is what your own account may see. Signing out ends it.</p></li>
</ul>`,
  );
}

/** The page for who is signed in. */
export function homePage({ name }: User): Html {
  return layout(
    { title: "Home", isSignedIn: true },
    html`<h1>Hello${name !== "" && html`, ${name}`}</h1>
<p class="lead">Where to?</p>
<ul class="cards">
<li><h2><a href="/contacts">Contacts</a></h2><p>Search everybody who is in your address book.</p></li>
<li><h2><a href="/reports">Reports</a></h2><p>Have the calls of a period listed, watch it happen, download the file.</p></li>
<li><h2><a href="/profile">Profile</a></h2><p>Who you are to Talkdesk, and what this portal may do for you.</p></li>
</ul>`,
  );
}
