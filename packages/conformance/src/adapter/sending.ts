import { findTalkdeskError } from "@talkdesk-oauth/core";
import { answers } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import { type Subject, setStage } from "./stage.js";

/** In bytes: longer than a client holds without reading. */
const LARGE = 8 * 1024 * 1024;

/** The request gets the token; nothing else about the request or the response changes. */
export function describeSending(subject: Subject): void {
  const { relativeUrls, streamsResponses } = subject.capabilities;

  it("sends the source's token to the gateway", async () => {
    await using stage = await setStage(subject);
    const { status } = await stage.send({ url: `${stage.api}/users` });
    const { authorization } = await stage.source.getToken();
    expect(status).toBe(200);
    expect(stage.apiRequests.map(({ headers }) => headers["authorization"])).toEqual([authorization]);
  });

  it(
    relativeUrls
      ? "resolves a relative URL against the gateway"
      : "leaves it to the client to reject a relative URL, and asks for no token",
    async () => {
      await using stage = await setStage(subject);
      const call = stage.send({ url: "/users?page=2" });
      if (relativeUrls) {
        expect((await call).status).toBe(200);
        expect(stage.apiRequests.map(({ url }) => url)).toEqual(["/users?page=2"]);
      } else {
        await expect(call).rejects.toThrow();
        expect(stage.talkdesk.requests.all).toEqual([]);
      }
    },
  );

  it("leaves method, path, headers and body as they are", async () => {
    await using stage = await setStage(subject);
    const { status } = await stage.send({
      url: `${stage.api}/echo?a=1&a=%20%2F&b`,
      method: "PATCH",
      headers: { "X-Trace": "a, b", "content-type": "application/json", "idempotency-key": "7f" },
      body: { kind: "string", value: '{"name":"Zoë"}' },
    });
    expect(status).toBe(200);
    expect(stage.apiRequests).toMatchObject([
      {
        method: "PATCH",
        url: "/echo?a=1&a=%20%2F&b",
        text: '{"name":"Zoë"}',
        headers: { "x-trace": "a, b", "content-type": "application/json", "idempotency-key": "7f" },
      },
    ]);
  });

  it("hands over a response with its status, headers and body", async () => {
    await using stage = await setStage(subject);
    const body = '{"code":"0000404","message":"No such thing"}';
    stage.talkdesk.faults.add({
      at: "api",
      respond: { status: 418, headers: { "content-type": "application/json", "x-served-by": "a" }, body },
    });
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response).toMatchObject({
      status: 418,
      headers: { "content-type": "application/json", "x-served-by": "a" },
    });
    expect(await response.text()).toBe(body);
  });

  it("asks for one token for 50 calls at once", async () => {
    await using stage = await setStage(subject);
    const calls = Array.from({ length: 50 }, () => stage.send({ url: `${stage.api}/echo` }));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(stage.apiRequests).toHaveLength(50);
    expect(stage.tokenRequests).toBe(1);
  });

  it("rejects with the source's error, and sends nothing, when there is no token", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "token", respond: answers.oauthError("invalid_client", 401) });
    const error = await catchRejection(stage.send({ url: `${stage.api}/users` }));
    expect(findTalkdeskError(error)).toMatchObject({ code: "client_refused" });
    expect(stage.apiRequests).toEqual([]);

    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
  });

  it("leaves a caller's own Authorization alone, and sends it once", async () => {
    await using stage = await setStage(subject);
    const { status } = await stage.send({
      url: `${stage.api}/users`,
      headers: { authorization: "Basic bWluZTptaW5l" },
    });
    expect(status).toBe(401);
    expect(stage.apiRequests.map(({ headers }) => headers["authorization"])).toEqual(["Basic bWluZTptaW5l"]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("leaves a caller's own Authorization alone, however its name is written", async () => {
    await using stage = await setStage(subject);
    const { status } = await stage.send({
      url: `${stage.api}/users`,
      headers: { AUTHORIZATION: "Bearer mine" },
    });
    expect(status).toBe(401);
    expect(stage.apiRequests.map(({ headers }) => headers["authorization"])).toEqual(["Bearer mine"]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("does not change the objects that it was given", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    // The stage freezes the request and its headers, but bytes cannot be frozen.
    const headers = { "x-trace": "1" };
    const bytes = new TextEncoder().encode("as it was");
    const { status } = await stage.send({
      url: `${stage.api}/echo`,
      method: "POST",
      headers,
      body: { kind: "bytes", value: bytes },
    });
    const isReplayed = subject.capabilities.replayable.includes("bytes");
    expect(status).toBe(isReplayed ? 200 : 401);
    expect(stage.apiRequests).toHaveLength(isReplayed ? 2 : 1);
    expect(headers).toEqual({ "x-trace": "1" });
    expect(new TextDecoder().decode(bytes)).toBe("as it was");
  });

  it(`hands over a response of ${LARGE / 1024 / 1024} MiB whole`, async () => {
    await using stage = await setStage(subject);
    const response = await stage.send({ url: `${stage.api}/large?bytes=${LARGE}` });
    expect((await response.text()).length).toBe(LARGE);
  });

  it(
    streamsResponses
      ? "hands over a response while its body is still arriving"
      : "hands over a response when its whole body has arrived",
    async () => {
      await using stage = await setStage(subject);
      let sendRest = (): void => {};
      const rest = new Promise<void>((resolve) => {
        sendRest = resolve;
      });
      stage.talkdesk.faults.add({
        at: "api",
        respond: {
          status: 200,
          body: (async function* () {
            yield "first, ";
            await rest;
            yield "last";
          })(),
        },
      });
      const call = stage.send({ url: `${stage.api}/users` });
      if (!streamsResponses) sendRest();
      const response = await call;
      sendRest();
      expect(await response.text()).toBe("first, last");
    },
  );
}
