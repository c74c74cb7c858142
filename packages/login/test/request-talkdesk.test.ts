import { EventEmitter } from "node:events";
import { accessToken, type TokenRequest, type TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { requestTalkdesk } from "@talkdesk-oauth/login";
import { describe, expect, it, vi } from "vitest";

/** A source whose tokens never come, and which keeps what it was asked. */
function hangingSource() {
  const asked: TokenRequest[] = [];
  const source: TokenSource = {
    api: "https://api.talkdeskapp.com",
    tokenEndpoint: "https://acme.talkdeskid.com/oauth/token",
    getToken(request = {}) {
      asked.push(request);
      return new Promise((_resolve, reject) => {
        const stop = (): void => reject(request.signal?.reason);
        if (request.signal?.aborted) stop();
        else request.signal?.addEventListener("abort", stop);
      });
    },
  };
  return { source, asked };
}

/** A response of Node's, of which only what is read. */
class NodeResponse extends EventEmitter {
  closed = false;
  writableEnded = false;
  close(): void {
    this.closed = true;
    this.emit("close");
  }
}

const disconnected = {
  name: "AbortError",
  message: "The client disconnected before the response was finished.",
};

describe("requestTalkdesk()", () => {
  it.each([
    [
      "the signal of the request",
      () => {
        const client = new AbortController();
        return { client: client.signal, leave: () => client.abort("a text") };
      },
    ],
    [
      "Node's response",
      () => {
        const client = new NodeResponse();
        return { client, leave: () => client.close() };
      },
    ],
  ])("ends waits for tokens when the client disconnects, known from %s", async (_what, open) => {
    const { client, leave } = open();
    const { source } = hangingSource();
    const bound = requestTalkdesk(source, client, talkdeskFetch);
    const waits = [bound.getToken(), bound.getToken({ signal: new AbortController().signal })];
    const calls = [bound.fetch("/users")];
    leave();
    for (const wait of [...waits, ...calls]) await expect(wait).rejects.toMatchObject(disconnected);
    await expect(bound.getToken()).rejects.toMatchObject(disconnected);
    const later = requestTalkdesk(source, client, talkdeskFetch);
    await expect(later.getToken()).rejects.toMatchObject(disconnected);
  });

  it("leaves waits alone that go on after the response was finished", async () => {
    const token = accessToken({ value: "a", expiresAt: Date.now() + 600_000 });
    let give = (): void => {};
    const source: TokenSource = {
      api: "https://api.talkdeskapp.com",
      getToken: (request) =>
        new Promise((resolve, reject) => {
          request?.signal?.addEventListener("abort", () => reject(request.signal?.reason));
          give = () => resolve(token);
        }),
    };
    const client = new NodeResponse();
    const { getToken } = requestTalkdesk(source, client, talkdeskFetch);
    const wait = getToken();
    client.writableEnded = true;
    client.close();
    give();
    expect(await wait).toBe(token);
  });

  it("ends one wait by a signal of its own", async () => {
    const { source } = hangingSource();
    const own = new AbortController();
    const { getToken } = requestTalkdesk(source, new NodeResponse(), talkdeskFetch);
    const wait = getToken({ signal: own.signal });
    own.abort("mine");
    await expect(wait).rejects.toBe("mine");
  });

  it("rejects when a source of the app's own throws", async () => {
    const source: TokenSource = {
      api: "https://api.talkdeskapp.com",
      getToken() {
        throw new Error("the vault is sealed");
      },
    };
    const { getToken, fetch } = requestTalkdesk(source, new NodeResponse(), talkdeskFetch);
    await expect(getToken()).rejects.toThrow("the vault is sealed");
    await expect(fetch("/users")).rejects.toThrow("the vault is sealed");
  });

  it("listens to the client once, and only when a token is needed", () => {
    const { source, asked } = hangingSource();
    const client = new NodeResponse();
    const { getToken } = requestTalkdesk(source, client, talkdeskFetch);
    expect(client.listenerCount("close")).toBe(0);
    getToken();
    getToken({ minimumLifetimeMs: 1_000 });
    expect(client.listenerCount("close")).toBe(1);
    expect(asked[1]).toMatchObject({ minimumLifetimeMs: 1_000 });
  });

  it("authorises once, when fetch is first used, with what an adapter needs to know of the source", async () => {
    const { source } = hangingSource();
    const send = vi.fn<typeof fetch>(async () => new Response("answer"));
    const authorize = vi.fn<(source: TokenSource) => typeof fetch>(() => send);
    const bound = requestTalkdesk(source, new NodeResponse(), authorize);
    expect(authorize).not.toHaveBeenCalled();
    await bound.fetch("/users");
    await bound.fetch("/users");
    const { getToken: _getToken, ...facts } = source;
    expect(authorize).toHaveBeenCalledExactlyOnceWith({ ...facts, getToken: expect.any(Function) });
    expect(bound.source).toBe(source);
  });
});
