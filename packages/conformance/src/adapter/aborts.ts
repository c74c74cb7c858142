import { expect, it } from "vitest";
import { rejectionOf } from "./rejection.js";
import { type Stage, type Subject, setStage } from "./stage.js";

/** A caller that gives up rejects as with its client, sends nothing, and is alone in it. */
export function describeAborts(subject: Subject): void {
  const { abortErrorName } = subject.capabilities;
  const reason = new Error("the caller has lost interest");

  function expectAbort(error: unknown): void {
    if (abortErrorName === undefined) expect(error).toBe(reason);
    else expect(error).toMatchObject({ name: abortErrorName });
  }

  /** It did not wait any longer. */
  function expectNoTokenYet(stage: Stage): void {
    expect(stage.talkdesk.requests.to("token").at(-1)?.status).toBeUndefined();
  }

  const tokenRequest = (stage: Stage, count: number): Promise<unknown> =>
    stage.talkdesk.requests.waitFor(() => stage.tokenRequests === count);

  it("asks for nothing and sends nothing for a caller that had given up before", async () => {
    await using stage = await setStage(subject);
    const call = stage.send({ url: `${stage.api}/users`, signal: AbortSignal.abort(reason) });
    expectAbort(await rejectionOf(call));
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("ends the wait for a token of the caller that gives up, and no other", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "token", delayMs: 500 });
    const giveUp = new AbortController();
    const patience = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/echo?n=1`, signal: giveUp.signal });
    const others = [
      stage.send({ url: `${stage.api}/echo?n=2` }),
      stage.send({ url: `${stage.api}/echo?n=3`, signal: patience.signal }),
    ];
    await tokenRequest(stage, 1);
    giveUp.abort(reason);
    expectAbort(await rejectionOf(abandoned));
    expectNoTokenYet(stage);
    expect(stage.apiRequests).toEqual([]);

    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200]);
    expect(stage.apiRequests.map(({ url }) => url).sort()).toEqual(["/echo?n=2", "/echo?n=3"]);
    expect(stage.tokenRequests).toBe(1);
  });

  it("keeps the token that an abandoned call had asked for", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "token", delayMs: 50 });
    const giveUp = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/users`, signal: giveUp.signal });
    await tokenRequest(stage, 1);
    giveUp.abort(reason);
    await rejectionOf(abandoned);
    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
    expect(stage.tokenRequests).toBe(1);
  });

  it("ends the wait for another token, and does not send again", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({ at: "token", delayMs: 500 });
    const giveUp = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/echo?n=1`, signal: giveUp.signal });
    const other = stage.send({ url: `${stage.api}/echo?n=2` });
    await tokenRequest(stage, 2);
    giveUp.abort(reason);
    expectAbort(await rejectionOf(abandoned));
    expectNoTokenYet(stage);

    expect((await other).status).toBe(200);
    expect((await stage.send({ url: `${stage.api}/echo?n=3` })).status).toBe(200);
    expect(stage.apiRequests.filter(({ url }) => url === "/echo?n=1")).toHaveLength(1);
    expect(stage.tokenRequests).toBe(2);
  });

  it("ends the wait also where the source does not look at the signal", async () => {
    let wasAsked = (): void => {};
    const asked = new Promise<void>((resolve) => {
      wasAsked = resolve;
    });
    await using stage = await setStage(subject, (talkdesk) => ({
      source: {
        api: talkdesk.endpoints().api,
        getToken() {
          wasAsked();
          return new Promise(() => {});
        },
      },
    }));
    const giveUp = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/users`, signal: giveUp.signal });
    await asked;
    giveUp.abort(reason);
    expectAbort(await rejectionOf(abandoned));
    expect(stage.apiRequests).toEqual([]);
  });

  it("stops a request that is under way", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "api", hang: true });
    const giveUp = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/users`, signal: giveUp.signal });
    await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
    giveUp.abort(reason);
    expectAbort(await rejectionOf(abandoned));
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
  });

  it("stops a request that is sent again", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({ at: "api", hang: true, skip: 1 });
    const giveUp = new AbortController();
    const abandoned = stage.send({ url: `${stage.api}/users`, signal: giveUp.signal });
    await stage.talkdesk.requests.waitFor(() => stage.apiRequests.length === 2);
    giveUp.abort(reason);
    expectAbort(await rejectionOf(abandoned));
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
    expect(stage.apiRequests).toHaveLength(2);
  });
}
