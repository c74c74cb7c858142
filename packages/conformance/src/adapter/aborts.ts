import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import { type Stage, type Subject, setStage } from "./stage.js";

/** A call that is aborted rejects as the client rejects aborts, sends nothing, and leaves other calls alone. */
export function describeAborts(subject: Subject): void {
  const { abortErrorName } = subject.capabilities;
  const reason = new Error("the caller has aborted");

  function expectAbort(error: unknown): void {
    if (abortErrorName === undefined) expect(error).toBe(reason);
    else expect(error).toMatchObject({ name: abortErrorName });
  }

  const tokenRequest = (stage: Stage, count: number): Promise<unknown> =>
    stage.talkdesk.requests.waitFor(() => stage.tokenRequests === count);

  it("asks for no token and sends nothing when the signal is already aborted", async () => {
    await using stage = await setStage(subject);
    const call = stage.send({ url: `${stage.api}/users`, signal: AbortSignal.abort(reason) });
    expectAbort(await catchRejection(call));
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("ends the wait for a token of the aborted call, and of no other", async () => {
    await using stage = await setStage(subject);
    const release = stage.holdTokens();
    const controller = new AbortController();
    const otherController = new AbortController();
    const call = stage.send({ url: `${stage.api}/echo?n=1`, signal: controller.signal });
    const others = [
      stage.send({ url: `${stage.api}/echo?n=2` }),
      stage.send({ url: `${stage.api}/echo?n=3`, signal: otherController.signal }),
    ];
    await tokenRequest(stage, 1);
    controller.abort(reason);
    expectAbort(await catchRejection(call));
    expect(stage.apiRequests).toEqual([]);

    release();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200]);
    expect(stage.apiRequests.map(({ url }) => url).sort()).toEqual(["/echo?n=2", "/echo?n=3"]);
    expect(stage.tokenRequests).toBe(1);
  });

  it("keeps the token that an aborted call had asked for", async () => {
    await using stage = await setStage(subject);
    const release = stage.holdTokens();
    const controller = new AbortController();
    const call = stage.send({ url: `${stage.api}/users`, signal: controller.signal });
    await tokenRequest(stage, 1);
    controller.abort(reason);
    await catchRejection(call);
    release();
    const { status } = await stage.send({ url: `${stage.api}/users` });
    expect(status).toBe(200);
    expect(stage.tokenRequests).toBe(1);
  });

  it("ends the wait for a second token, and does not send again", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const release = stage.holdTokens();
    const controller = new AbortController();
    const call = stage.send({ url: `${stage.api}/echo?n=1`, signal: controller.signal });
    const other = stage.send({ url: `${stage.api}/echo?n=2` });
    await tokenRequest(stage, 2);
    controller.abort(reason);
    expectAbort(await catchRejection(call));
    release();
    expect((await other).status).toBe(200);
    expect((await stage.send({ url: `${stage.api}/echo?n=3` })).status).toBe(200);
    expect(stage.apiRequests.filter(({ url }) => url === "/echo?n=1")).toHaveLength(1);
    expect(stage.tokenRequests).toBe(2);
  });

  it("ends the wait when the source ignores the signal", async () => {
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
    const controller = new AbortController();
    const call = stage.send({ url: `${stage.api}/users`, signal: controller.signal });
    await asked;
    controller.abort(reason);
    expectAbort(await catchRejection(call));
    expect(stage.apiRequests).toEqual([]);
  });

  it("aborts a request in flight", async () => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "api", hang: true });
    const controller = new AbortController();
    const call = stage.send({ url: `${stage.api}/users`, signal: controller.signal });
    await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
    controller.abort(reason);
    expectAbort(await catchRejection(call));
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
  });

  it("aborts a request that is sent again", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({ at: "api", hang: true, skip: 1 });
    const controller = new AbortController();
    const call = stage.send({ url: `${stage.api}/users`, signal: controller.signal });
    await stage.talkdesk.requests.waitFor(() => stage.apiRequests.length === 2);
    controller.abort(reason);
    expectAbort(await catchRejection(call));
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
    expect(stage.apiRequests).toHaveLength(2);
  });
}
