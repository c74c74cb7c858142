import type { Answer } from "../message/answer.js";
import type { User } from "../world/directory.js";

// The page stays short; login_hint reaches every user.
const MAX_SHOWN_USERS = 5;

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:light-dark(#f2f3f7,#14151a)}
main{box-sizing:border-box;width:min(26rem,100% - 2rem);padding:2rem;border-radius:1rem;background:light-dark(#fff,#20222a);box-shadow:0 1px 3px #0003}
h1{margin:0 0 .25rem;font-size:1.35rem}p{margin:0 0 1.25rem;color:light-dark(#555b6b,#a9afbf)}
form{display:grid;gap:.5rem}
button{font:inherit;text-align:left;padding:.6rem .9rem;border:1px solid light-dark(#cfd3de,#3b3f4c);border-radius:.6rem;background:none;color:inherit;cursor:pointer}
button:hover{border-color:#5405bd}button:focus-visible{outline:3px solid #8a3ffc;outline-offset:2px}
small{display:block;color:light-dark(#555b6b,#a9afbf)}
.deny{margin-top:.75rem;text-align:center}`;

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * Makes the page on which a person chooses a user: a button for each user, and one that denies. The buttons post to the
 * authorize endpoint, with the parameters of the request in the URL.
 */
export function makeLoginPage(account: string, users: readonly User[], parameters: URLSearchParams): Answer {
  const buttons = users
    .slice(0, MAX_SHOWN_USERS)
    .map(
      ({ id, name, email }) =>
        `<button name="user" value="${escapeHtml(id)}">${escapeHtml(name)}<small>${escapeHtml(email)}</small></button>`,
    );
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Sign in to ${escapeHtml(account)} (emulated)</title><style>${STYLE}</style></head>
<body><main><h1>Sign in to ${escapeHtml(account)}</h1><p>This is an emulated Talkdesk. Choose a user; no password is needed.</p>
<form method="post" action="?${escapeHtml(parameters.toString())}">${buttons.join("")}<button class="deny" name="user" value="">Deny</button></form>
</main></body></html>
`;
  return {
    status: 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
    },
    body: new TextEncoder().encode(html),
  };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? "");
}
