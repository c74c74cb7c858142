import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiFailure, callApi, callForJson } from "../../src/api/api-call.js";

async function serve(answer: RequestListener): Promise<{ address: string } & AsyncDisposable> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const what = "your contacts";

describe("a call", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each<[string, (response: Parameters<RequestListener>[1]) => void]>([
    ["answers", () => undefined],
    ["goes on with its answer", (response) => response.writeHead(200).write('{"total":')],
  ])("is given up when Talkdesk never %s", async (_what, begin) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let closed: Promise<unknown> | undefined;
    await using server = await serve((_request, response) => {
      closed = once(response, "close");
      begin(response);
      asked();
    });
    const { signal } = new AbortController();
    const failed = callForJson(fetch, server.address, { what, signal }).catch((error: unknown) => error);
    await isAsked;
    vi.advanceTimersByTime(14_000);
    expect(await Promise.race([failed, "waiting"])).toBe("waiting");
    vi.advanceTimersByTime(1_000);
    const error = await failed;
    expect(error).toBeInstanceOf(ApiFailure);
    expect(error).toMatchObject({ status: undefined });
    await closed;
  });

  it("sets no time limit for a body that is read later", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let end = (): void => undefined;
    await using server = await serve((_request, response) => {
      response.writeHead(200).write("a,");
      end = () => response.end("b");
    });
    const response = await callApi(fetch, server.address, { what }, (answer) => answer);
    vi.advanceTimersByTime(60_000);
    end();
    expect(await response.text()).toBe("a,b");
  });

  it("stops reading a body that is too large", async () => {
    let sent = 0;
    let closed: Promise<unknown> | undefined;
    await using server = await serve((_request, response) => {
      closed = once(response, "close");
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"total":1,"more":"');
      const more = (): void => {
        while (sent < 2_000 && !response.destroyed) {
          sent += 1;
          if (!response.write("x".repeat(65_536))) {
            response.once("drain", more);
            return;
          }
        }
        response.end('"}');
      };
      more();
    });
    await expect(callForJson(fetch, server.address, { what })).rejects.toBeInstanceOf(ApiFailure);
    await closed;
    expect(sent).toBeLessThan(1_000);
  });

  it("decodes text that arrives cut between any two bytes", async () => {
    const bytes = Buffer.from('{"name":"Inês 👩‍👧"}');
    await using server = await serve(async (_request, response) => {
      response.writeHead(200);
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await callForJson(fetch, server.address, { what })).toEqual({ name: "Inês 👩‍👧" });
  });
});
