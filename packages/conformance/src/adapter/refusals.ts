import {
  accessToken,
  findTalkdeskError,
  TalkdeskError,
  type TalkdeskErrorCode,
  type TokenSource,
} from "@talkdesk-oauth/core";
import { answers, type FaultEffect } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import type { BodyKind, RequestBody } from "./driver.js";
import { type Subject, setStage } from "./stage.js";

const unavailable: readonly [name: string, effect: FaultEffect][] = [
  ["refuses the client", { respond: answers.oauthError("invalid_client", 401) }],
  ["asks to wait for an hour", { respond: answers.tooManyRequests(3600) }],
  ["answers with a page of HTML", { respond: answers.html(200) }],
];

/** A 401 causes one new token and one replay; responses that only look like a refusal do not. */
export function describeRefusals(subject: Subject): void {
  it("asks for another token and sends the request once more", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const refused = await stage.source.getToken();
    const { status } = await stage.send({ url: `${stage.api}/users` });
    const { authorization } = await stage.source.getToken();
    expect(status).toBe(200);
    expect(stage.apiRequests.map(({ headers }) => headers["authorization"])).toEqual([
      refused.authorization,
      authorization,
    ]);
    expect(authorization).not.toBe(refused.authorization);
    expect(stage.tokenRequests).toBe(2);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"])("sends a refused %s once more", async (method) => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const { status } = await stage.send({ url: `${stage.api}/echo`, method });
    expect(status).toBe(200);
    expect(stage.apiRequests.map((request) => request.method)).toEqual([method, method]);
  });

  it.each([
    'Bearer error="invalid_token"',
    'Bearer realm="talkdesk", error="invalid_token", error_description="not insufficient_scope"',
    "Basic",
  ])("treats a 401 with the challenge %s as a refusal", async (challenge) => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({
      at: "api",
      respond: { status: 401, headers: { "www-authenticate": challenge } },
    });
    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
    expect(stage.tokenRequests).toBe(2);
  });

  it.each([
    'Bearer error="insufficient_scope"',
    'Bearer realm="talkdesk", error="insufficient_scope", scope="users:write"',
    'bearer Error = "INSUFFICIENT_SCOPE"',
    "Bearer error=insufficient_scope",
  ])("hands over a 401 with the challenge %s, and keeps the token", async (challenge) => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({
      at: "api",
      respond: { status: 401, headers: { "www-authenticate": challenge }, body: "what is missing" },
    });
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe("what is missing");
    expect(stage.apiRequests).toHaveLength(1);
    expect(stage.tokenRequests).toBe(1);
  });

  it.each([400, 403, 404, 407, 429, 500, 503])("hands over a %i, and keeps the token", async (status) => {
    await using stage = await setStage(subject);
    const [answer] = await Promise.allSettled([stage.send({ url: `${stage.api}/echo?status=${status}` })]);
    // The Fetch standard rejects for a 407.
    if (status !== 407) expect(answer).toMatchObject({ status: "fulfilled", value: { status } });
    expect(stage.apiRequests).toHaveLength(1);
    expect(stage.tokenRequests).toBe(1);
  });

  it("hands over a second 401", async () => {
    await using stage = await setStage(subject);
    const response = await stage.send({ url: `${stage.api}/echo?status=401&n=1` });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("/echo?status=401&n=1");
    expect(stage.apiRequests).toHaveLength(2);
    expect(stage.tokenRequests).toBe(2);
  });

  it("replaces the token once for 20 calls to an operation that always answers 401", async () => {
    await using stage = await setStage(subject);
    for (let call = 0; call < 20; call += 1) {
      const { status } = await stage.send({ url: `${stage.api}/echo?status=401` });
      expect(status).toBe(401);
    }
    expect(stage.tokenRequests).toBe(2);
    expect(stage.apiRequests).toHaveLength(21);

    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
    expect(stage.tokenRequests).toBe(2);
  });

  it("replaces the token once for 20 calls at once to an operation that always answers 401", async () => {
    await using stage = await setStage(subject);
    const calls = Array.from({ length: 20 }, () => stage.send({ url: `${stage.api}/echo?status=401` }));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([401]));
    expect(stage.tokenRequests).toBe(2);
  });

  it("replaces the token once for 200 refusals at once, and all calls succeed", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const calls = Array.from({ length: 200 }, (_, n) => stage.send({ url: `${stage.api}/echo?n=${n}` }));
    const responses = await Promise.all(calls);
    const bodies = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(bodies.map((body) => JSON.parse(body).path)).toEqual(bodies.map((_, n) => `/echo?n=${n}`));
    expect(stage.tokenRequests).toBe(2);
  });

  it("replaces the token once for refusals that arrive before, during and after that", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({ at: "token", delayMs: 60 });
    const calls = Array.from({ length: 30 }, (_, n) => {
      stage.talkdesk.faults.add({ at: "api", delayMs: 1 + n * 6, match: { path: new RegExp(`n=${n}$`) } });
      return stage.send({ url: `${stage.api}/echo?n=${n}` });
    });
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(stage.apiRequests).toHaveLength(60);
    expect(stage.tokenRequests).toBe(2);
  });

  it.each(unavailable)("hands over the 401 when the token endpoint %s", async (_, effect) => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({ at: "token", ...effect });
    stage.talkdesk.faults.add({
      at: "api",
      respond: { status: 401, headers: { "x-request-id": "of the refusal" }, body: "why it was refused" },
    });
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response).toMatchObject({ status: 401, headers: { "x-request-id": "of the refusal" } });
    expect(await response.text()).toBe("why it was refused");
    expect(stage.apiRequests).toHaveLength(1);
    expect(stage.tokenRequests).toBe(2);
  });

  /** Makes a source of one token, which fails with this code when the token is refused. */
  const failingSource = (api: string, code: TalkdeskErrorCode): TokenSource => ({
    api,
    async getToken(request) {
      if (request?.rejected !== undefined) throw new TalkdeskError(code, "There is no other token.");
      return accessToken({ value: "the-only-one", expiresAt: Date.now() + 60_000 });
    },
  });

  const onceOnly = async function* (): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("once");
  };
  const bodies: readonly (RequestBody & { readonly kind: BodyKind })[] = [
    { kind: "string", value: "once" },
    { kind: "iterable", value: onceOnly() },
  ];

  it.each(bodies.filter(({ kind }) => subject.capabilities.bodies.includes(kind)))(
    "rejects a request with a body of the kind $kind when its 401 shows that the session is over",
    async (body) => {
      await using stage = await setStage(subject, (talkdesk) => ({
        source: failingSource(talkdesk.endpoints().api, "reauthentication_required"),
      }));
      const call = stage.send({ url: `${stage.api}/users`, method: "POST", body });
      const error = findTalkdeskError(await catchRejection(call));
      expect(error).toMatchObject({ code: "reauthentication_required" });
      expect(stage.apiRequests).toHaveLength(1);
    },
  );

  it.each(["refresh_outcome_unknown", "source_closed", "store_unavailable", "token_refused"] as const)(
    "hands over the 401 when the source fails with %s",
    async (code) => {
      await using stage = await setStage(subject, (talkdesk) => ({
        source: failingSource(talkdesk.endpoints().api, code),
      }));
      const response = await stage.send({ url: `${stage.api}/users` });
      expect(response.status).toBe(401);
      expect(JSON.parse(await response.text())).toMatchObject({ message: "Unauthorized" });
      expect(stage.apiRequests).toHaveLength(1);
    },
  );

  it("hands over a 401 of any length whole", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const body = "why it was refused ".repeat(20_000);
    stage.talkdesk.faults.add({ at: "token", respond: answers.oauthError("invalid_client", 401) });
    stage.talkdesk.faults.add({ at: "api", respond: { status: 401, body } });
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe(body);
  });

  it("hands over the 401 when the source answers with the refused token", async () => {
    const token = accessToken({ value: "the-only-one", expiresAt: Date.now() + 60_000 });
    const asked: (string | undefined)[] = [];
    await using stage = await setStage(subject, (talkdesk) => ({
      source: {
        api: talkdesk.endpoints().api,
        async getToken(request) {
          asked.push(request?.rejected?.value);
          return token;
        },
      } satisfies TokenSource,
    }));
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response.status).toBe(401);
    expect(JSON.parse(await response.text())).toMatchObject({ message: "Unauthorized" });
    expect(stage.apiRequests).toHaveLength(1);
    expect(asked).toEqual([undefined, "the-only-one"]);
  });
}
