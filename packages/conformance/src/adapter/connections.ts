import { accessToken, MAX_DISCARD_MS, type TokenSource } from "@talkdesk-oauth/core";
import { expect, it, onTestFinished, vi } from "vitest";
import { type Subject, setStage } from "./stage.js";

const ROUNDS = 20;

/** A refused response that the caller does not get holds no connection. */
export function describeConnections(subject: Subject): void {
  const { limitsConnections } = subject.capabilities;

  it("reuses the connection of a refused request", async () => {
    let asked = 0;
    await using stage = await setStage(subject, (talkdesk) => ({
      source: {
        api: talkdesk.endpoints().api,
        async getToken(request) {
          asked += 1;
          const value = request?.rejected === undefined ? `stale-${asked}` : `fresh-${asked}`;
          return accessToken({ value, expiresAt: Date.now() + 60_000 });
        },
      } satisfies TokenSource,
    }));
    stage.talkdesk.faults.add({
      at: "api",
      match: { authorization: /stale/ },
      times: ROUNDS,
      respond: { status: 401, body: "refused ".repeat(4_000) },
    });
    stage.talkdesk.faults.add({ at: "api", times: ROUNDS, respond: { status: 200, body: "done" } });
    for (let round = 0; round < ROUNDS; round += 1) {
      const response = await stage.send({ url: `${stage.api}/users` });
      expect(await response.text()).toBe("done");
    }
    expect(stage.apiRequests).toHaveLength(2 * ROUNDS);
    expect(new Set(stage.apiRequests.map(({ connection }) => connection)).size).toBeLessThanOrEqual(3);
  });

  it.each([
    ["short", 100],
    ["long", 300_000],
  ])(
    `does not deadlock ${limitsConnections ? "a pool of one connection" : "the client's pool"} with refusals that are %s`,
    async (_, length) => {
      await using stage = await setStage(subject, () => ({
        connections: limitsConnections ? 1 : undefined,
      }));
      const { authorization } = await stage.source.getToken();
      stage.talkdesk.faults.add({
        at: "api",
        match: { authorization },
        times: Number.POSITIVE_INFINITY,
        respond: { status: 401, body: "x".repeat(length) },
      });
      const calls = Array.from({ length: ROUNDS }, async () => {
        const response = await stage.send({ url: `${stage.api}/users` });
        return [response.status, JSON.parse(await response.text()).page];
      });
      for (const call of calls) expect(await call).toMatchObject([200, 1]);
      expect(stage.tokenRequests).toBe(2);
    },
  );

  if (!subject.capabilities.streamsResponses) return;

  it("does not wait for the end of a refusal that never ends", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({
      at: "api",
      respond: {
        status: 401,
        body: (async function* () {
          yield "not yet";
          await new Promise(() => {});
        })(),
      },
    });
    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
  });

  it("holds the connection of a refusal that never ends for ten seconds at most", async () => {
    await using stage = await setStage(subject, (talkdesk) => ({
      source: {
        api: talkdesk.endpoints().api,
        async getToken(request) {
          const value = request?.rejected === undefined ? "stale" : "fresh";
          return accessToken({ value, expiresAt: Date.now() + 60_000 });
        },
      } satisfies TokenSource,
      connections: limitsConnections ? 1 : undefined,
    }));
    stage.talkdesk.faults.add({
      at: "api",
      match: { authorization: /stale/ },
      respond: {
        status: 401,
        body: (async function* () {
          for (;;) {
            yield ".";
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        })(),
      },
    });
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body: "done" } });
    passTenSeconds();
    const response = await stage.send({ url: `${stage.api}/users` });
    expect([response.status, await response.text()]).toEqual([200, "done"]);
    await stage.talkdesk.requests.waitFor(({ aborted }) => aborted);
  });
}

/**
 * Makes timers of ten seconds fire at once until the test is over: adapters read a refused response for so long. Timers of
 * other lengths, which the client may set, stay as they are.
 */
function passTenSeconds(): void {
  const { setTimeout: original } = globalThis;
  const spy = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation(((callback: () => void, delay?: number, ...rest: []) =>
      original(callback, delay === MAX_DISCARD_MS ? 1 : delay, ...rest)) as typeof setTimeout);
  onTestFinished(() => spy.mockRestore());
}
