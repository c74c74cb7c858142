import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { setTokenStage } from "@talkdesk-oauth/conformance";
import { answers } from "@talkdesk-oauth/emulator";
import { AxiosError, CanceledError } from "axios";
import theirs from "axios-oldest";
import { describe, expect, it } from "vitest";

/** Makes an instance of a copy of axios other than the one that the adapter imports. */
async function setStage(defaults: object = {}) {
  const stage = await setTokenStage();
  const client = theirs.create(defaults);
  client.interceptors.request.use(talkdeskAxios(stage.source) as never);
  return Object.assign(stage, { client });
}

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "no error",
    (error) => error,
  );

describe.each(["http", "fetch"] as const)("an error of another copy of axios, on %s,", (adapter) => {
  it("is that copy's when the status is an error", async () => {
    await using stage = await setStage({ adapter });
    const error = await errorOf(stage.client.get("/echo?status=404"));
    expect(error).toBeInstanceOf(theirs.AxiosError);
    expect(error).not.toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({ code: "ERR_BAD_REQUEST", response: { status: 404 } });
  });

  it("is that copy's when the connection is lost", async () => {
    await using stage = await setStage({ adapter });
    stage.talkdesk.faults.add({ at: "api", reset: "before" });
    expect(await errorOf(stage.client.post("/echo"))).toBeInstanceOf(theirs.AxiosError);
  });

  it.each(["token", "api"] as const)("is that copy's when the time is up, waiting for the %s", async (at) => {
    await using stage = await setStage({ adapter, timeout: 300 });
    stage.talkdesk.faults.add({ at, hang: true });
    const error = await errorOf(stage.client.get("/users"));
    expect(error).toBeInstanceOf(theirs.AxiosError);
    expect(error).toMatchObject({ message: "timeout of 300ms exceeded" });
  });

  it.each(["token", "api"] as const)("is that copy's CanceledError, waiting for the %s", async (at) => {
    await using stage = await setStage({ adapter });
    stage.talkdesk.faults.add({ at, hang: true });
    const giveUp = new AbortController();
    const call = errorOf(stage.client.get("/users", { signal: giveUp.signal }));
    await stage.talkdesk.requests.waitFor(({ to }) => to === at);
    giveUp.abort();
    const error = await call;
    expect(error).toBeInstanceOf(theirs.CanceledError);
    expect(error).not.toBeInstanceOf(CanceledError);
    expect(theirs.isCancel(error)).toBe(true);
  });

  it("is that copy's when a route is refused", async () => {
    await using stage = await setStage({ adapter: "http", proxy: { host: "127.0.0.1", port: 1 } });
    const error = await errorOf(stage.client.get("/users"));
    expect(error).toBeInstanceOf(theirs.AxiosError);
    expect(error).toMatchObject({ code: "ERR_BAD_OPTION_VALUE" });
  });

  it("is that copy's when a response that is read breaks off", async () => {
    await using stage = await setStage({ adapter, responseType: "stream", maxContentLength: 100_000 });
    const body = async function* (): AsyncGenerator<string> {
      for (let chunk = 0; chunk < 50; chunk += 1) yield "0123456789".repeat(1_000);
    };
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body } });
    const { data } = await stage.client.get("/users");
    const read = async (): Promise<void> => {
      for await (const _ of data);
    };
    expect(await errorOf(read())).toBeInstanceOf(theirs.AxiosError);
  });
});

it("gives another copy of axios answers, and a new token after a refusal", async () => {
  await using stage = await setStage();
  await stage.useRefusedToken();
  const { data, headers } = await stage.client.post("/echo", { name: "Ada" });
  expect(data.text).toBe('{"name":"Ada"}');
  expect(headers).toBeInstanceOf(theirs.AxiosHeaders);
  stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users") });
  expect((await stage.client.get("/moved")).status).toBe(200);
});
