import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { logIn, requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let api: string;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  api = talkdesk.endpoints().api;
  headers = await requestBearer(talkdesk);
});
afterAll(() => talkdesk.stop());

it("lists users in pages with absolute links", async () => {
  const first = (await send(`${api}/users`, { headers })).json;
  expect(first).toMatchObject({ total: 60, count: 50, page: 1, per_page: 50 });
  expect(first._embedded.users[0]).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{24}$/),
    name: expect.any(String),
    email: expect.stringMatching(/@users\.example\.com$/),
  });
  expect(Object.keys(first._links).sort()).toEqual(["first", "last", "next", "self"]);
  expect(new URL(first._links.next.href).origin).toBe(api);

  const second = (await send(first._links.next.href, { headers })).json;
  expect(second).toMatchObject({ total: 60, count: 10, page: 2 });
  expect(second._links).not.toHaveProperty("next");
  expect((await send(second._links.prev.href, { headers })).json).toEqual({
    ...first,
    _links: { ...first._links, self: { href: second._links.prev.href } },
  });
});

it("shows every user once to a client that follows next", async () => {
  const ids = new Set<string>();
  let url: string | undefined = `${api}/users?per_page=7`;
  while (url !== undefined) {
    const page: Awaited<ReturnType<typeof send>>["json"] = (await send(url, { headers })).json;
    for (const user of page._embedded.users) ids.add(user.id);
    url = page._links.next?.href;
  }
  expect(ids.size).toBe(60);
});

it("answers an empty page beyond the last one, with a link back", async () => {
  const { json } = await send(`${api}/users?page=9`, { headers });
  expect([json.count, json.total]).toEqual([0, 60]);
  expect(json._links.prev.href).toContain("page=2");
});

it.each(["page=0", "page=x", "per_page=0", "per_page=101", "page=1e1", "page="])(
  "refuses %s",
  async (query) => {
    const answer = await send(`${api}/users?${query}`, { headers });
    expect(answer.status).toBe(400);
    expect(answer.json.fields[0].name).toBe("page, per_page");
  },
);

it("answers /users/me for the token of a user, and refuses a token without one", async () => {
  const { json: tokens } = await logIn(talkdesk, "openid");
  const me = await send(`${api}/users/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(me.status).toBe(200);
  expect(me.json).toEqual({
    sub: me.json.id,
    id: expect.stringMatching(/^[0-9a-f]{24}$/),
    name: expect.any(String),
    email: expect.any(String),
    _links: { self: { href: `${api}/users/${me.json.id}` } },
  });

  const machine = await send(`${api}/users/me`, { headers });
  expect([machine.status, machine.json.code]).toEqual([400, "0040001"]);

  const { json: narrow } = await logIn(talkdesk, "users:read");
  const refused = await send(`${api}/users/me`, {
    headers: { authorization: `Bearer ${narrow.access_token}` },
  });
  expect([refused.status, refused.json.code]).toEqual([403, "0070011"]);
});
