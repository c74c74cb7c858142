import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStage, type PortalStage } from "../support/portal-stage.js";
import { locationOf, type Visitor, visitor } from "../support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage({ reportPolls: 3 });
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const week = { from: "2026-01-01", to: "2026-01-07" };

async function requestReport(): Promise<string> {
  return locationOf(await guest.visit("/reports", { form: week }));
}

describe("the file", () => {
  it("comes through the portal unchanged, and only the gateway gets the token", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    const file = await guest.visit(`${address}/file`);
    expect(file.status).toBe(200);
    expect(file.headers).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": "attachment; filename=calls-2026-01-01.csv",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    const [request] = stage.talkdesk.requests.to("files");
    const direct = await fetch(`http://${request?.headers["host"]}${request?.url}`);
    expect(file.text).toBe(await direct.text());
    expect(file.headers["content-length"]).toBe(String(Buffer.byteLength(file.text)));
    expect(file.text.match(/\n/g)).toHaveLength(2_001);
    expect(stage.talkdesk.requests.to("files").map(({ status }) => status)).toEqual([200, 200]);
    for (const { headers } of stage.talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
      expect(headers).not.toHaveProperty("cookie");
    }
  });

  it("is not found before it is ready", async () => {
    const address = await requestReport();
    const early = await guest.visit(`${address}/file`);
    expect(early.status).toBe(303);
    expect(locationOf(early)).toBe(address);
  });

  it("that breaks off fails in the browser, too", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    stage.talkdesk.faults.add({ at: "files", reset: "body" });
    await expect(guest.visit(`${address}/file`)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
    expect((await guest.visit(`${address}/file`)).status).toBe(200);
  });

  it("that Talkdesk refuses leads to an error page", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    stage.talkdesk.faults.add({ at: "files", respond: { status: 403, body: "<Error>signature</Error>" } });
    const refused = await guest.visit(`${address}/file`);
    expect(refused.status).toBe(403);
    expect(refused.text).not.toContain("signature");
  });
});

describe("a file of unknown size", () => {
  it("that breaks off fails in the browser, too", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    async function* cut(): AsyncGenerator<string> {
      yield "id,name\n";
      await delay(20);
      throw new Error("cut");
    }
    const headers = { "transfer-encoding": "chunked" };
    stage.talkdesk.faults.add({ at: "files", respond: { status: 200, headers, body: cut } });
    await expect(guest.visit(`${address}/file`)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  });
});

describe("a file that nobody reads", () => {
  it("is not awaited when the browser disconnects before Talkdesk answers", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    stage.talkdesk.faults.add({ at: "files", hang: true });
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const asked = request(new URL(`${address}/file`, stage.origin), { headers: { cookie }, agent: false });
    asked.on("error", () => undefined).end();
    await stage.talkdesk.requests.waitFor(({ to }) => to === "files");
    asked.destroy();
    const left = await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "files" && aborted);
    expect(left.status).toBeUndefined();
  });

  it("is read no faster than the browser reads, and cancelled when the browser disconnects", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    let sent = 0;
    let left = (): void => undefined;
    const isLeft = new Promise<void>((resolve) => {
      left = resolve;
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (; sent < 4_000; sent += 1) yield new Uint8Array(65_536);
      } finally {
        left();
      }
    }
    stage.talkdesk.faults.add({ at: "files", respond: { status: 200, body: endless } });
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const asked = request(new URL(`${address}/file`, stage.origin), { headers: { cookie }, agent: false });
    asked.on("error", () => undefined).end();
    // Its head arrives, and nobody reads on.
    await new Promise((resolve) => asked.once("response", (answer) => resolve(answer.pause())));
    for (let before = -1; before !== sent; ) {
      before = sent;
      await delay(150);
    }
    expect(sent).toBeGreaterThan(0);
    // What the buffers of four sockets hold, of 250 MiB.
    expect(sent).toBeLessThan(1_000);
    asked.destroy();
    await isLeft;
    expect(sent).toBeLessThan(1_500);
  });
});
