import { Readable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { setStage } from "./support/authorized-stage.js";

describe("a fetch that throws for statuses", () => {
  it("repeats a refused POST when the error has the response", async () => {
    await using stage = await setStage(async (input, init) => {
      const response = await fetch(input, init);
      if (response.ok) return response;
      throw Object.assign(new Error("refused"), { response });
    });
    await stage.useRefusedToken();
    const { status } = await stage.fetch("/echo", { method: "POST", body: "one order" });
    expect(status).toBe(200);
    expect(stage.apiRequests.map(({ text }) => text)).toEqual(["one order", "one order"]);
  });

  it("does not repeat a redirected POST", async () => {
    await using stage = await setStage(async (input, init) => {
      const response = await fetch(input, init);
      throw Object.assign(new Error("refused"), { response });
    });
    const moved = { status: 307, headers: { location: "/echo?status=401" } };
    stage.talkdesk.faults.add({ at: "api", match: { path: "/orders" }, times: 2, respond: moved });
    await expect(stage.fetch("/orders", { method: "POST", body: "one order" })).rejects.toThrow("refused");
    expect(stage.apiRequests.filter(({ url }) => url === "/orders")).toHaveLength(1);
  });

  // The error does not tell whether a redirect came before the refusal.
  it.each([
    ["once", {}, 1],
    ["once more where no redirect is followed", { redirect: "manual" }, 2],
  ] as const)("has a refused POST sent %s when its error tells the status alone", async (_, init, times) => {
    await using stage = await setStage(async (input, options) => {
      const response = await fetch(input, options);
      if (response.ok) return response;
      throw Object.assign(new Error("refused"), { statusCode: response.status });
    });
    await stage.useRefusedToken();
    const call = stage.fetch("/echo", { method: "POST", body: "one order", ...init });
    if (times === 1) await expect(call).rejects.toThrow("refused");
    else expect((await call).status).toBe(200);
    expect(stage.apiRequests).toHaveLength(times);
    // The next request has a new token.
    expect((await stage.fetch("/users")).status).toBe(200);
    expect(stage.tokenRequests).toBe(2);
  });
});

describe("a fetch whose responses are not the platform's", () => {
  it("drains a refused body that is a stream of Node", async () => {
    const refused = Readable.from([Buffer.from("refused")]);
    let sent = 0;
    await using stage = await setStage(async () => {
      sent += 1;
      if (sent > 1) return new Response("done");
      return { status: 401, headers: new Headers(), body: refused } as unknown as Response;
    });
    expect(await (await stage.fetch("/users")).text()).toBe("done");
    await vi.waitFor(() => expect(refused.readableEnded).toBe(true));
  });

  it.each(["/users", "https://example.com/"])(
    "may answer without a promise, or throw, as test doubles do: %s",
    async (url) => {
      const answer = new Response();
      await using answering = await setStage((() => answer) as unknown as typeof fetch);
      const answered = answering.fetch(url);
      expect(answered).toBeInstanceOf(Promise);
      expect(await answered).toBe(answer);

      await using throwing = await setStage(() => {
        throw new RangeError("thrown");
      });
      const thrown = throwing.fetch(url);
      await expect(thrown).rejects.toThrow(RangeError);
    },
  );

  it("may answer with less than a Response, as test doubles do", async () => {
    await using stage = await setStage(async () => ({ status: 200 }) as Response);
    expect(await stage.fetch("/users")).toEqual({ status: 200 });
  });
});
