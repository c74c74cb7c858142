// All users, page by page.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "users:read" }));

export async function* listUsers() {
  for (let page, url = "/users?per_page=25"; url; url = page._links.next?.href) {
    page = await (await fetch(url)).json();
    yield* page._embedded.users;
  }
}
