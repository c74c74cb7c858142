import { afterAll, beforeAll, expect, it } from "vitest";
import { makeAuthorizeUrl } from "./support/authorize-url.js";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, readClaims } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ login: "page" });
});
afterAll(() => talkdesk.stop());

const authorizeUrl = (changes: Readonly<Record<string, string>> = {}): string =>
  makeAuthorizeUrl(talkdesk, { state: "a state", ...changes });

const choose = (user: string) =>
  send(authorizeUrl(), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ user }).toString(),
  });

it("shows five users to choose from, under a policy that allows no script", async () => {
  const page = await send(authorizeUrl());
  expect(page.status).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.text.match(/<button name="user" value="[0-9a-f]{24}"/g)).toHaveLength(5);
});

it("signs in the user who was chosen", async () => {
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

it("is shown for a posted request too, and signs in the user chosen on it", async () => {
  const [endpoint = "", form = ""] = authorizeUrl().split("?");
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const page = await send(endpoint, { method: "POST", headers, body: form });
  expect(page.status).toBe(200);
  const [, action = ""] = /<form method="post" action="([^"]+)"/.exec(page.text) ?? [];
  const next = new URL(action.replaceAll("&amp;", "&"), endpoint).href;
  const answer = await send(next, { method: "POST", headers, body: `user=${await readFirstUser()}` });
  const callback = new URL(answer.headers.location ?? "").searchParams;
  expect(callback.get("state")).toBe("a state");
  expect((await exchange(talkdesk, callback.get("code") ?? "")).status).toBe(200);
});

it("escapes the parameters of the request", async () => {
  const page = await send(authorizeUrl({ nonce: `"><script>alert(1)</script>` }));
  expect(page.status).toBe(200);
  expect(page.text).not.toContain("<script>");
});

it("redirects with access_denied when the user denies or does not exist", async () => {
  for (const user of ["", "nobody"]) {
    const callback = new URL((await choose(user)).headers.location ?? "");
    expect(callback.searchParams.get("error")).toBe("access_denied");
  }
});

it("is not shown for a wrong request, nor with a login_hint", async () => {
  expect((await send(authorizeUrl({ client_id: "other" }))).status).toBe(401);
  expect((await send(authorizeUrl({ response_type: "token" }))).status).toBe(302);
  expect((await talkdesk.authorize({ user: await readFirstUser() })).code).toBeTruthy();
});

it("is passed by authorize(), with the first user on it", async () => {
  const { code, state } = await talkdesk.authorize({ state: "s" });
  const { json } = await exchange(talkdesk, code);
  expect([readClaims(json.access_token).sub, state]).toEqual([await readFirstUser(), "s"]);
});

async function readFirstUser(): Promise<string> {
  return /value="([0-9a-f]{24})"/.exec((await send(authorizeUrl())).text)?.[1] ?? "";
}
