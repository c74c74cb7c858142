// A login and a logout of a web app, as a browser does them.
import { memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";

/** The client knows this address. The apps listen elsewhere. */
const publicOrigin = "http://localhost:3000";

export const loginOptions = () => ({
  client: talkdeskClientFromEnv(),
  redirectUri: `${publicOrigin}/callback`,
  scope: ["openid", "refresh_token", "users:read"],
  store: memoryStore(),
  contact: "help@example.com",
});

/** Prints the statuses of a page, a login, the page with its call of the API, a logout, and the page again. */
export async function printLogin(port) {
  let cookie = "";
  async function visit(path, method = "GET") {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { cookie, accept: "application/json" },
      redirect: "manual",
    });
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return answer;
  }
  const stranger = await visit("/me");
  const begun = await visit("/login");
  const back = await fetch(begun.headers.get("location"), { redirect: "manual" });
  const done = await visit(back.headers.get("location").slice(publicOrigin.length));
  const page = await visit("/me");
  const { status } = await page.json();
  const left = await visit("/logout", "POST");
  const afterwards = await visit("/me");
  const answers = [stranger, begun, done, page, { status }, left, afterwards];
  console.log(answers.map((answer) => answer.status).join(" "));
}
