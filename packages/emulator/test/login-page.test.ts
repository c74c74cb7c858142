import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { claimsOf, exchange } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ login: "page" });
});
afterAll(() => talkdesk.stop());

function authorizeUrl(changes: Record<string, string> = {}): string {
  const { clientId, redirectUris } = talkdesk.clients.get();
  const url = new URL(talkdesk.endpoints().authorize);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUris[0] ?? "",
    state: "a state",
    ...changes,
  }).toString();
  return url.href;
}

const choose = (user: string) =>
  send(authorizeUrl(), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ user }).toString(),
  });

it("shows a page with users to choose from, that nothing can be put into", async () => {
  const page = await send(authorizeUrl());
  expect(page.status).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.text.match(/<button name="user" value="[0-9a-f]{24}"/g)).toHaveLength(5);
});

it("goes on with the user who was chosen", async () => {
  const [, id = ""] =
    /<button name="user" value="([0-9a-f]{24})"/.exec((await send(authorizeUrl())).text) ?? [];
  const answer = await choose(id);
  const callback = new URL(answer.headers.location ?? "");
  expect([answer.status, callback.searchParams.get("state")]).toEqual([302, "a state"]);
  const { json } = await exchange(talkdesk, callback.searchParams.get("code") ?? "");
  const { api } = talkdesk.endpoints();
  const me = await send(`${api}/users/me`, { headers: { authorization: `Bearer ${json.access_token}` } });
  expect(me.json.id).toBe(id);
});

it("is shown for a posted request too, and goes on from there", async () => {
  const [endpoint = "", form = ""] = authorizeUrl().split("?");
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const page = await send(endpoint, { method: "POST", headers, body: form });
  expect(page.status).toBe(200);
  const [, action = ""] = /<form method="post" action="([^"]+)"/.exec(page.text) ?? [];
  const next = new URL(action.replaceAll("&amp;", "&"), endpoint).href;
  const answer = await send(next, { method: "POST", headers, body: `user=${await firstUser()}` });
  const callback = new URL(answer.headers.location ?? "").searchParams;
  expect(callback.get("state")).toBe("a state");
  expect((await exchange(talkdesk, callback.get("code") ?? "")).status).toBe(200);
});

it("puts nothing of the address into the page unescaped", async () => {
  const page = await send(authorizeUrl({ nonce: `"><script>alert(1)</script>` }));
  expect(page.status).toBe(200);
  expect(page.text).not.toContain("<script>");
});

it("denies when told, or when nobody is called so", async () => {
  for (const user of ["", "nobody"]) {
    const callback = new URL((await choose(user)).headers.location ?? "");
    expect(callback.searchParams.get("error")).toBe("access_denied");
  }
});

it("shows mistakes of the application before the page, and needs no page for a hint", async () => {
  expect((await send(authorizeUrl({ client_id: "other" }))).status).toBe(401);
  expect((await send(authorizeUrl({ response_type: "token" }))).status).toBe(302);
  expect((await talkdesk.authorize({ user: await firstUser() })).code).toBeTruthy();
});

it("is gone through by authorize() as well, with the first user on it", async () => {
  const { code, state } = await talkdesk.authorize({ state: "s" });
  const { json } = await exchange(talkdesk, code);
  expect([claimsOf(json.access_token).sub, state]).toEqual([await firstUser(), "s"]);
});

async function firstUser(): Promise<string> {
  return /value="([0-9a-f]{24})"/.exec((await send(authorizeUrl())).text)?.[1] ?? "";
}
