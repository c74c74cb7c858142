import { type Html, html } from "../html.js";
import type { User } from "../users.js";
import { layout } from "./layout.js";

/** The page for everybody: what the portal is for, and the way in. */
export function welcomePage(): Html {
  return layout(
    { title: "Welcome", isSignedIn: false },
    html`<section class="hero">
<h1>Your contact centre, at a glance</h1>
<p class="lead">Look up your contacts and download reports of your calls, with the Talkdesk account you already have.</p>
<p><a class="primary button" href="/auth/login">Sign in with Talkdesk</a></p>
</section>
<ul class="cards">
<li><h2>Contacts</h2><p>Find anybody in your Talkdesk address book by name.</p></li>
<li><h2>Reports</h2><p>Request a list of calls, watch it being made, and download it.</p></li>
<li><h2>Privacy</h2><p>The portal sees only what your own account may see, and only until you sign out.</p></li>
</ul>`,
  );
}

/** The page for who is signed in. */
export function homePage({ name }: User): Html {
  return layout(
    { title: "Home", isSignedIn: true },
    html`<h1>Hello${name !== "" && html`, ${name}`}</h1>
<p class="lead">What would you like to do?</p>
<ul class="cards">
<li><h2><a href="/contacts">Contacts</a></h2><p>Find anybody in your Talkdesk address book by name.</p></li>
<li><h2><a href="/reports">Reports</a></h2><p>Request a list of calls, watch it being made, and download it.</p></li>
<li><h2><a href="/profile">Profile</a></h2><p>See who you are at Talkdesk, and what this portal may do for you.</p></li>
</ul>`,
  );
}
