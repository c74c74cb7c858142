import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStage, type PortalStage } from "../support/portal-stage.js";
import { locationOf, type Visitor, visitor } from "../support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage();
  guest = visitor(stage.origin);
});
afterEach(() => stage[Symbol.asyncDispose]());

describe("headers", () => {
  it("protect every kind of answer", async () => {
    await guest.signIn();
    const report = locationOf(
      await guest.visit("/reports", { form: { from: "2026-01-01", to: "2026-01-02" } }),
    );
    stage.talkdesk.faults.add({ at: "api", respond: { status: 500 } });
    const answers = [
      await guest.visit("/contacts"),
      await guest.visit("/"),
      await visitor(stage.origin).visit("/profile"),
      await guest.visit("/nowhere"),
      await guest.visit("/static/style.css"),
      await guest.visit("/static/nowhere.css"),
      await guest.visit("/reports", { form: { from: "", to: "" } }),
      await guest.visit("/auth/callback?state=unknown"),
      await guest.visit("/reports/%"),
      await guest.visit("/contacts", { headers: { host: `127.0.0.1:${new URL(stage.origin).port}` } }),
      await guest.visit("/reports", { form: { from: "x".repeat(3_000) } }),
      await guest.visit(`${report}/events`),
      await guest.visit(`${report}/file`),
      await guest.visit(`${report}/file`, { method: "HEAD" }),
      await guest.visit(`${report}/file`, { method: "DELETE" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      502, 200, 302, 404, 200, 404, 422, 302, 400, 302, 413, 200, 200, 405, 404,
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        "content-security-policy":
          "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
      expect(headers["referrer-policy"]).toMatch(/^(?:same-origin|no-referrer)$/);
      expect(headers).not.toHaveProperty("x-powered-by");
      expect(headers).not.toHaveProperty("strict-transport-security");
    }
  });

  it("forbid caches to keep a user's pages", async () => {
    await guest.signIn();
    for (const path of ["/", "/profile", "/contacts", "/reports", "/nowhere"]) {
      expect((await guest.visit(path)).headers["cache-control"]).toBe("no-store");
    }
  });

  it("insist on https when the origin has it", async () => {
    await using secure = await openStage({ origin: "https://portal.example.com" });
    const { headers } = await visitor(secure.origin).visit("/");
    expect(headers["strict-transport-security"]).toBe("max-age=31536000");
  });
});

describe("the cookie", () => {
  it("is not set while there is nothing to remember", async () => {
    await guest.visit("/");
    await guest.visit("/contacts");
    expect(guest.cookieLines).toEqual([]);
  });

  it("is out of the reach of scripts and of other sites", async () => {
    await guest.signIn();
    expect(guest.cookieLines.length).toBeGreaterThan(1);
    for (const line of guest.cookieLines) {
      expect(line).toMatch(/^portal=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    }
  });

  it("is Secure behind a proxy that speaks TLS, whether the proxy says so or not", async () => {
    await using secure = await openStage({ origin: "https://portal.example.com" });
    const behind = visitor(secure.origin);
    await behind.visit("/auth/login");
    await behind.visit("/auth/login", { headers: { "x-forwarded-proto": "https" } });
    expect(behind.cookieLines).toHaveLength(2);
    for (const line of behind.cookieLines) {
      expect(line).toMatch(/^__Host-portal=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/);
    }
  });

  it("signs nobody in when it is forged, cut, sent twice or of another app", async () => {
    await guest.signIn();
    const [name = "", value = ""] = [...guest.cookies][0] ?? [];
    const secure = await openStage({ sessionSecret: "another secret of the tests, which signs" });
    const foreign = visitor(secure.origin);
    await foreign.signIn();
    await secure[Symbol.asyncDispose]();
    const [, another = ""] = [...foreign.cookies][0] ?? [];
    for (const cookie of [
      `${name}=${value.slice(0, -2)}`,
      `${name}=${value.replace(".", "x.")}`,
      `${name}=${another}`,
      `${name}=; ${name}=${value}`,
      `${name}=%E0%A4%A; ${name}2=${value}`,
      `__Host-${name}=${value}`,
      `${name}=${"x".repeat(4_000)}`,
    ]) {
      const { status } = await visitor(stage.origin).visit("/profile", { headers: { cookie } });
      expect([cookie, status]).toEqual([cookie, 302]);
    }
    expect((await guest.visit("/profile")).status).toBe(200);
  });

  it("names a new session after each login", async () => {
    await guest.visit("/auth/login");
    const before = guest.cookies.get("portal");
    await guest.signIn();
    expect(guest.cookies.get("portal")).not.toBe(before);
    const stranger = visitor(stage.origin);
    stranger.cookies.set("portal", before ?? "");
    expect((await stranger.visit("/profile")).status).toBe(302);
  });
});

describe("a request that changes something", () => {
  const form = { from: "2026-01-01", to: "2026-01-07" };

  it.each([
    ["another site's page", { "sec-fetch-site": "cross-site" }],
    ["a sub-domain's page", { "sec-fetch-site": "same-site" }],
    ["another origin's page, in an old browser", { origin: "https://evil.example" }],
    ["a page that hides where it is", { origin: "null" }],
    ["another origin's page, in a browser that says only that", { referer: "https://evil.example/page" }],
    ["a page of nonsense", { referer: "evil" }],
  ])("is refused when it comes from %s", async (_whose, headers) => {
    await guest.signIn();
    for (const path of ["/reports", "/auth/logout"]) {
      const answer = await guest.visit(path, { form, headers });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("This request came from another site");
    }
    expect((await guest.visit("/profile")).status).toBe(200);
    expect(stage.talkdesk.requests.to("api").filter(({ method }) => method === "POST")).toEqual([]);
  });

  it.each([
    ["the portal's own", { "sec-fetch-site": "same-origin" }],
    ["no page at all", {}],
  ])("is done when it comes from %s", async (_whose, headers: Record<string, string>) => {
    await guest.signIn();
    expect((await guest.visit("/reports", { form, headers })).status).toBe(303);
    expect((await guest.visit("/auth/logout", { form: {}, headers })).status).toBeLessThan(400);
    expect((await guest.visit("/profile")).status).toBe(302);
  });
});

describe("text from other people", () => {
  const attack = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`;

  it("stays text in the names of contacts", async () => {
    const emulated = stage.talkdesk.clients.get();
    const { token, api } = stage.talkdesk.endpoints();
    const basic = Buffer.from(`${emulated.clientId}:${emulated.clientSecret}`).toString("base64");
    const issued = await fetch(token, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "contacts:write" }),
    });
    const { access_token } = (await issued.json()) as { access_token: string };
    const added = await fetch(`${api}/contacts`, {
      method: "POST",
      headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
      body: JSON.stringify({
        name: attack,
        company: attack,
        emails: [{ email: attack }],
        phones: [{ number: attack }],
      }),
    });
    expect(added.status).toBe(201);
    await guest.signIn();
    const { text } = await guest.visit("/contacts?q=script");
    expect(text).toContain("1 contact with");
    expect(text.split("&lt;script&gt;alert(1)&lt;/script&gt;")).toHaveLength(5);
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("<img src=x");
  });

  it("stays text in a search: in the field, the title and the links", async () => {
    await guest.signIn();
    const { text } = await guest.visit(`/contacts?${new URLSearchParams({ q: attack, page: "2" })}`);
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;alert(1)');
    expect(text).not.toMatch(/<script>|<img src=x|alert\(1\)"/);
  });

  it("stays text in a failed login, in the days of a report, in an address", async () => {
    const denied = await guest.visit(
      `/auth/callback?${new URLSearchParams({ error: "access_denied", error_description: attack, state: attack })}`,
    );
    expect(denied.status).toBe(400);
    await guest.signIn();
    const refused = await guest.visit("/reports", { form: { from: attack, to: attack } });
    expect(refused.status).toBe(422);
    const lost = await guest.visit(`/${encodeURIComponent(attack)}`);
    expect(lost.status).toBe(404);
    for (const { text } of [denied, refused, lost]) expect(text).not.toMatch(/<script>|<img src=x/);
  });

  it("cannot be part of a path at Talkdesk", async () => {
    await guest.signIn();
    for (const id of ["..%2F..%2Fusers%2Fme", "a%3Fb%3Dc", "x".repeat(65)]) {
      expect((await guest.visit(`/reports/${id}`)).status).toBe(404);
    }
    expect(stage.talkdesk.requests.to("api")).toEqual([]);
  });
});

describe("secrets", () => {
  it("are on no page, in no cookie and in no log, whatever fails", async () => {
    const { requests, faults } = stage.talkdesk;
    const said: string[] = [];
    const visit: Visitor["visit"] = async (...args) => {
      const answer = await guest.visit(...args);
      said.push(answer.text, JSON.stringify(answer.headers));
      return answer;
    };
    faults.add({ at: "token", respond: { status: 500, body: "broken" } });
    await guest.signIn();
    await guest.signIn();
    for (const path of ["/", "/profile", "/contacts", "/reports"]) await visit(path);
    const report = await visit("/reports", { form: { from: "2026-01-01", to: "2026-01-07" } });
    const address = String(report.headers["location"]);
    for (const path of [address, `${address}/events`, `${address}/file`]) await visit(path);
    faults.add({ at: "api", respond: { status: 403 } });
    await visit("/profile");
    faults.revokeTokens();
    faults.add({ at: "token", respond: { status: 400, body: '{"error":"invalid_grant"}' } });
    await visit("/profile");
    await visit("/contacts");

    const secrets = requests.all.flatMap(({ headers, form, url }) => [
      headers["authorization"]?.replace(/^\w+ /, ""),
      form.get("refresh_token"),
      form.get("code"),
      new URL(url, stage.origin).searchParams.get("signature"),
    ]);
    const found = [...new Set(secrets)].filter((secret) => secret != null);
    expect(found.length).toBeGreaterThan(4);
    expect(stage.log.length).toBeGreaterThan(1);
    const everything = [...said, ...stage.log, ...guest.cookieLines].join("\n");
    const client = [...stage.talkdesk.clients].at(-1)?.clientSecret ?? "";
    for (const secret of [...found, client, "a secret of the tests"]) {
      expect(everything.includes(secret)).toBe(false);
    }
  });
});
