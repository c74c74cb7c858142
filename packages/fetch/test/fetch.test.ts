import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { accessToken, clientCredentials, parseUrl, type TokenSource } from "@talkdesk-oauth/core";
import { answers, type RequestRecord } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { letters, streamedBytes } from "./support/streamed-bytes.js";

type Call = Parameters<typeof fetch>;

const MIB = 1024 * 1024;
const MOST_BUFFERED = 65_536;

/** Reads what was sent, apart from the token. */
function sentAs({ method, url, rawHeaders, body }: RequestRecord | undefined = {} as RequestRecord): unknown {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && /^authorization$/i.test(name));
  return {
    method,
    url,
    headers: at < 0 ? rawHeaders : rawHeaders.toSpliced(at, 2),
    body: Buffer.from(body).toString("latin1"),
  };
}

/** Makes a source without an identity host, for gateways that accept any token. */
function anySource(api: string): TokenSource {
  const token = accessToken({ value: "any", expiresAt: Date.now() + 60_000 });
  return { api, getToken: async () => token };
}

describe("what is sent", () => {
  const json = { "content-type": "application/json" };
  const calls: Readonly<Record<string, (echo: string) => Call>> = {
    "a string": (echo) => [echo],
    "a URL": (echo) => [new URL(echo)],
    "a Request": (echo) => [new Request(echo, { headers: { "x-a": "1" } })],
    "headers as an object": (echo) => [echo, { headers: { "X-A": "1", "x-b": "2, 3" } }],
    "headers as an array, with a name twice": (echo) => [
      echo,
      {
        headers: [
          ["X-A", "1"],
          ["x-a", "2"],
        ],
      },
    ],
    "headers as Headers": (echo) => [echo, { headers: new Headers({ "X-A": "1" }) }],
    "a method in lower case": (echo) => [echo, { method: "post" }],
    "a string body": (echo) => [echo, { method: "POST", body: "Zoë" }],
    "a string body with a type": (echo) => [echo, { method: "POST", headers: json, body: "{}" }],
    "an empty body": (echo) => [echo, { method: "POST", body: "" }],
    "no body": (echo) => [echo, { method: "POST", body: null }],
    "an ArrayBuffer": (echo) => [echo, { method: "PUT", body: letters(10).buffer }],
    "a DataView": (echo) => [echo, { method: "PUT", body: new DataView(letters(10).buffer, 2, 5) }],
    "a Blob": (echo) => [echo, { method: "PUT", body: new Blob(["a,b"], { type: "text/csv" }) }],
    "a URLSearchParams": (echo) => [echo, { method: "POST", body: new URLSearchParams({ a: "ü &" }) }],
    "a stream": (echo) => [echo, { method: "POST", body: streamedBytes(100_000).stream, duplex: "half" }],
    keepalive: (echo) => [echo, { method: "POST", body: "last words", keepalive: true }],
    "a mode of the cache": (echo) => [echo, { cache: "no-store" } as RequestInit],
    "a Request with a body": (echo) => [new Request(echo, { method: "POST", headers: json, body: "{}" })],
    "a Request with an empty body": (echo) => [new Request(echo, { method: "POST", body: "" })],
    "a Request with keepalive and a body": (echo) => [
      new Request(echo, { method: "POST", body: "last words", keepalive: true }),
    ],
    "a Request whose method init overrides": (echo) => [
      new Request(echo, { method: "POST", body: "a" }),
      { method: "PUT" },
    ],
    "a Request whose headers init overrides": (echo) => [
      new Request(echo, { method: "POST", headers: { "x-a": "1", ...json }, body: "a" }),
      { headers: { "x-b": "2" } },
    ],
    "a Request whose headers init removes": (echo) => [
      new Request(echo, { headers: { authorization: "Bearer mine", "x-a": "1" } }),
      { headers: {} },
    ],
    "a Request whose body init overrides": (echo) => [
      new Request(echo, { method: "POST", body: "a" }),
      { body: "b" },
    ],
    "a Request whose body init does not override": (echo) => [
      new Request(echo, { method: "POST", body: "a" }),
      { body: null },
    ],
    "a Request in the place of init": (echo) => [
      echo,
      new Request(echo, { method: "POST", headers: json, body: "{}" }),
    ],
  };

  it.each(Object.keys(calls))("is the same as fetch itself sends, with a token, for %s", async (name) => {
    await using stage = await setStage();
    const makeCall = calls[name] as (echo: string) => Call;
    const echo = `${stage.api}/echo?a=%20`;
    await (await fetch(...makeCall(echo))).text();
    const { status } = await stage.fetch(...makeCall(echo));
    const [bare, authorized] = stage.apiRequests;
    expect(status).toBe(200);
    expect(sentAs(authorized)).toEqual(sentAs(bare));
  });

  it("is unchanged when the caller changes its objects during the wait for a token", async () => {
    await using stage = await setStage();
    const headers = new Headers({ "x-a": "1" });
    const body = new URLSearchParams({ a: "1" });
    const url = new URL(`${stage.api}/echo?a=1`);
    const init: RequestInit = { method: "PUT", headers, body };
    const call = stage.fetch(url, init);
    url.search = "?a=2";
    init.method = "DELETE";
    headers.set("x-a", "2");
    body.set("a", "2");
    init.body = "2";
    init.signal = AbortSignal.abort();
    expect((await call).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([
      { method: "PUT", url: "/echo?a=1", text: "a=1", headers: { "x-a": "1" } },
    ]);
  });

  it.each<NonNullable<RequestInit["headers"]>>([
    { "not a name": "1" },
    { "x-a": "1\n2" },
    [["not a name", "1"]],
  ])("is nothing when a header is not allowed, and no token is requested: %j", async (headers) => {
    await using stage = await setStage();
    await expect(stage.fetch("/echo", { headers })).rejects.toThrow(TypeError);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it.each<NonNullable<RequestInit["headers"]>>([{ "x-a": "1" }, [["x-a", "1"]]])(
    "has only the caller's headers at the second sending, whatever the fetch beneath added to the first: %j",
    async (headers) => {
      await using stage = await setStage((input, init) => {
        if (init?.headers instanceof Headers) init.headers.append("x-a", "beneath");
        return fetch(input, init);
      });
      await stage.useRefusedToken();
      await stage.fetch("/echo", { method: "POST", headers });
      expect(stage.apiRequests.map((request) => request.headers["x-a"])).toEqual([
        "1, beneath",
        "1, beneath",
      ]);
    },
  );

  it("leaves init and everything in it as they were", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const headers = { "x-a": "1" };
    const body = new URLSearchParams({ a: "1" });
    const init = Object.freeze({ method: "POST", headers: Object.freeze(headers), body });
    const { status } = await stage.fetch("/echo", init);
    expect(status).toBe(200);
    expect(init).toEqual({ method: "POST", headers: { "x-a": "1" }, body: new URLSearchParams({ a: "1" }) });
    expect(stage.apiRequests).toHaveLength(2);
  });

  it("leaves the headers of a Request as they were", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/echo`, { headers: { "x-a": "1" } });
    await stage.fetch(request);
    expect([...request.headers]).toEqual([["x-a", "1"]]);
  });

  it("resolves relative URLs against the gateway", async () => {
    await using stage = await setStage();
    for (const input of ["/users", "users?page=2", "?page=3", "./a/../users"]) {
      await (await stage.fetch(input)).text();
    }
    expect(stage.apiRequests.map(({ url }) => url)).toEqual([
      "/users",
      "/users?page=2",
      "/?page=3",
      "/users",
    ]);
  });
});

describe("a URL", () => {
  it.each([
    ["absolute", ["https://", "HTTP://", "https:/", "https:", " https://", "ht\ttps://"]],
    ["of the gateway", ["https://api.talkdeskapp.com/", "https://api.talkdeskapp.com"]],
    ["a path", ["/", "/a/", "//", "", "/a?b="]],
  ])("is the same as the platform resolves it, in every spelling: %s", async (_, starts) => {
    const api = "https://api.talkdeskapp.com";
    const seen: [url: string, isAuthorized: boolean][] = [];
    const send = talkdeskFetch(anySource(api), {
      fetch: async (input, init) => {
        seen.push([new URL(String(input)).href, new Headers(init?.headers).has("authorization")]);
        return new Response();
      },
    });
    const parts = ["/", "\\", "?", "#", "@", ":", "..", "%2e", "\t", " ", "a", "8443", "api.talkdeskapp.com"];
    for (const start of starts) {
      for (const first of parts) {
        for (const second of parts) {
          const input = `${start}${first}${second}`;
          const url = parseUrl(input, api);
          const expected = url === undefined ? [] : [[url.href, url.href.startsWith(`${api}/`)]];
          await send(input).catch(() => {});
          expect([input, ...seen.splice(0)]).toEqual([input, ...expected]);
        }
      }
    }
  });
});

describe("a FormData", () => {
  function trickyForm(): FormData {
    const form = new FormData();
    form.append("plain", "1");
    form.append("plain", "2");
    form.append('quo"ted\\', 'val"ue');
    form.append("line\nfeed\r\nand\rreturn", "a\nb\r\nc\rd");
    form.append("Zoë ☎", "naïve ☎ value");
    form.append("", "");
    form.append("percent%0A", "%0D%0A");
    form.append("file", new File(["a,b\n1,2\r\n\0"], "a.csv", { type: "text/csv;charset=utf-8" }));
    form.append("file", new File([letters(70_000)], 'quo"ted\nname ☎ %22.bin'));
    form.append("blob", new Blob([]));
    return form;
  }

  /** Reads the bytes, with a fixed text in place of the boundary. */
  function partsOf({ headers, body }: RequestRecord): string {
    const boundary = /^multipart\/form-data; ?boundary=(\S+)$/.exec(headers["content-type"] ?? "")?.[1] ?? "";
    expect(boundary).not.toBe("");
    return Buffer.from(body).toString("latin1").replaceAll(boundary, "boundary");
  }

  it("becomes the parts that fetch itself makes of it, at the first sending and at the second", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    await fetch(`${stage.api}/echo`, { method: "POST", body: trickyForm() });
    const { status } = await stage.fetch("/echo", { method: "POST", body: trickyForm() });
    const [bare, ...authorized] = stage.apiRequests as [RequestRecord, ...RequestRecord[]];
    expect(status).toBe(200);
    expect(authorized).toHaveLength(2);
    for (const request of authorized) {
      expect(partsOf(request)).toBe(partsOf(bare));
      expect(request.headers["content-length"]).toBe(String(request.body.length));
    }
  });

  it("is read by a parser as the entries that were put in", async () => {
    await using stage = await setStage();
    const form = new FormData();
    form.append("title", "Zoë ☎");
    form.append("file", new File(["a,b"], "ü.csv", { type: "text/csv" }));
    await stage.fetch("/echo", { method: "POST", body: form });
    const [{ body, headers }] = stage.apiRequests as [RequestRecord];
    const parsed = await new Response(new Uint8Array(body), {
      headers: { "content-type": headers["content-type"] ?? "" },
    }).formData();
    expect(parsed.get("title")).toBe("Zoë ☎");
    const file = parsed.get("file") as File;
    expect([file.name, file.type, await file.text()]).toEqual(["ü.csv", "text/csv", "a,b"]);
  });

  it("is what it was at the call", async () => {
    await using stage = await setStage();
    const form = new FormData();
    form.set("a", "before");
    const call = stage.fetch("/echo", { method: "POST", body: form });
    form.set("a", "after");
    await call;
    expect(stage.apiRequests[0]?.text).toContain("before");
    expect(stage.apiRequests[0]?.text).not.toContain("after");
  });
});

describe("a Request with a body", () => {
  it.each([1, 1_000, MOST_BUFFERED])("of %i bytes is sent once more after a refusal", async (size) => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const body = letters(size);
    const request = new Request(`${stage.api}/echo`, {
      method: "POST",
      headers: { "idempotency-key": "7f" },
      body,
    });
    expect((await stage.fetch(request)).status).toBe(200);
    const [refused, replayed] = stage.apiRequests;
    expect(stage.apiRequests).toHaveLength(2);
    expect(Buffer.compare(refused?.body ?? new Uint8Array(), body)).toBe(0);
    expect(sentAs(replayed)).toEqual(sentAs(refused));
  });

  it("that init does not override is sent once more too", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: "of the Request" });
    expect((await stage.fetch(request, { body: null, headers: { "x-a": "1" } })).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([
      { text: "of the Request", headers: { "x-a": "1" } },
      { text: "of the Request", headers: { "x-a": "1" } },
    ]);
  });

  it.each([307, 308])("follows a %i", async (status) => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/echo?moved", status) });
    const request = new Request(`${stage.api}/orders`, { method: "POST", body: "one order" });
    expect((await stage.fetch(request)).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([
      { method: "POST", url: "/orders", text: "one order" },
      { method: "POST", url: "/echo?moved", text: "one order" },
    ]);
  });

  it("that was redirected to a refusal is not sent again", async () => {
    await using stage = await setStage();
    const respond = answers.redirect("/echo?status=401", 307);
    stage.talkdesk.faults.add({ at: "api", match: { path: "/orders" }, times: 2, respond });
    const request = new Request(`${stage.api}/orders`, { method: "POST", body: "one order" });
    expect((await stage.fetch(request)).status).toBe(401);
    expect(stage.apiRequests.map(({ url }) => url)).toEqual(["/orders", "/echo?status=401"]);
  });

  it.each([MOST_BUFFERED + 1, 1_000_000])(
    "of %i bytes is sent once and whole, and the next request has a new token",
    async (size) => {
      await using stage = await setStage();
      await stage.useRefusedToken();
      const { stream } = streamedBytes(size);
      const expected = new Uint8Array(await new Response(stream).arrayBuffer());
      const request = new Request(`${stage.api}/echo`, { method: "POST", body: expected });
      const response = await stage.fetch(request);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ message: "Unauthorized" });
      expect(stage.apiRequests).toHaveLength(1);
      expect(Buffer.compare(stage.apiRequests[0]?.body ?? new Uint8Array(), expected)).toBe(0);

      expect((await stage.fetch("/users")).status).toBe(200);
      expect(stage.apiRequests).toHaveLength(2);
      expect(stage.tokenRequests).toBe(2);
    },
  );

  it("that is a short stream is sent once more too", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const { stream } = streamedBytes(5_000);
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: stream, duplex: "half" });
    expect((await stage.fetch(request)).status).toBe(200);
    expect(stage.apiRequests.map(({ body }) => Buffer.compare(body, letters(5_000)))).toEqual([0, 0]);
  });

  const uses: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
    "read as text": (request) => request.text(),
    "read by a reader that has let go of it": async (request) => {
      const reader = (request.body as ReadableStream<Uint8Array>).getReader();
      while (!(await reader.read()).done);
      reader.releaseLock();
    },
    sent: (request) => fetch(request),
  };

  it.each(Object.keys(uses))(
    "that was %s rejects as with fetch, before anything is asked or sent",
    async (name) => {
      await using stage = await setStage();
      const request = new Request(`${stage.api}/echo`, { method: "POST", body: "used" });
      await (uses[name] as (typeof uses)[string])(request);
      stage.talkdesk.requests.clear();
      await expect(stage.fetch(request)).rejects.toThrow(TypeError);
      expect(stage.talkdesk.requests.all).toEqual([]);
    },
  );

  it("that is being read elsewhere rejects as with fetch, before a token is requested or anything is sent", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: "locked" });
    request.body?.getReader();
    await expect(stage.fetch(request)).rejects.toThrow(TypeError);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("that was used already is sent with the body that init gives it", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: "used" });
    await request.text();
    expect((await stage.fetch(request, { body: "fresh" })).status).toBe(200);
    expect(stage.apiRequests[0]?.text).toBe("fresh");
  });

  it("is marked as used at once, as with fetch", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: "once" });
    const call = stage.fetch(request);
    expect(request.bodyUsed).toBe(true);
    await call;
    await expect(stage.fetch(request)).rejects.toThrow(TypeError);
    expect(stage.apiRequests).toHaveLength(1);
  });

  it.each([
    ["before anything is asked or sent, while it is short", 0],
    ["in the middle, when it is long", 2 * MOST_BUFFERED],
  ])("that breaks rejects %s", async (_, size) => {
    await using stage = await setStage();
    const broken = new Error("the disk is gone");
    const { stream } = streamedBytes(1_000_000);
    const reader = stream.getReader();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value } = await reader.read();
        if (value === undefined || sent >= size) throw broken;
        sent += value.length;
        controller.enqueue(value);
      },
    });
    const request = new Request(`${stage.api}/echo`, { method: "POST", body, duplex: "half" });
    const error = await stage.fetch(request).catch((reason: unknown) => reason);
    // The error of fetch for a body that fails while it is sent differs by version.
    if (size === 0) expect(error).toBe(broken);
    expect(error).toBeInstanceOf(Error);
    expect(stage.apiRequests.filter(({ status }) => status === 200)).toEqual([]);
    if (size === 0) expect(stage.talkdesk.requests.all).toEqual([]);
  });
});

describe("a stream", () => {
  /** Starts a gateway that counts the bytes that it receives. */
  async function slowGateway(): Promise<
    AsyncDisposable & { readonly api: string; readonly received: number }
  > {
    let received = 0;
    const server = createServer(async (request, response) => {
      for await (const chunk of request) {
        received += (chunk as Buffer).length;
        await new Promise(setImmediate);
      }
      response.end("done");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      get received() {
        return received;
      },
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      },
    };
  }

  const size = 50 * MIB;
  const uploads: Readonly<Record<string, (url: string, stream: ReadableStream<Uint8Array>) => Call>> = {
    "as init's body": (url, stream) => [url, { method: "POST", body: stream, duplex: "half" }],
    "in a Request": (url, stream) => [new Request(url, { method: "POST", body: stream, duplex: "half" })],
  };

  it.each(Object.keys(uploads))("of 50 MiB is sent as the gateway reads it, %s", async (name) => {
    await using gateway = await slowGateway();
    const source = streamedBytes(size);
    let mostAhead = 0;
    const watched = source.stream.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          mostAhead = Math.max(mostAhead, source.made - gateway.received);
          controller.enqueue(chunk);
        },
      }),
    );
    const call = (uploads[name] as (typeof uploads)[string])(`${gateway.api}/upload`, watched);
    const response = await talkdeskFetch(anySource(gateway.api))(...call);
    expect(await response.text()).toBe("done");
    expect(gateway.received).toBe(size);
    // The sockets' buffers hold some MiB.
    expect(mostAhead).toBeLessThan(size / 2);
  });

  it("of 50 MiB is received as the caller reads it", async () => {
    await using stage = await setStage();
    const source = streamedBytes(size);
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body: source.stream } });
    const response = await stage.fetch("/recordings/1");
    let read = 0;
    let mostAhead = 0;
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      read += chunk.length;
      mostAhead = Math.max(mostAhead, source.made - read);
      await new Promise(setImmediate);
    }
    expect(read).toBe(size);
    expect(mostAhead).toBeLessThan(size / 2);
  });

  it("that is refused before it has ended leaves the caller with the 401", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: { status: 401, body: "early", early: true } });
    let made = 0;
    const endless = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise(setImmediate);
        made += 1;
        controller.enqueue(letters(100));
      },
    });
    const response = await stage.fetch("/echo", { method: "POST", body: endless, duplex: "half" });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe("early");
    expect(made).toBeGreaterThan(0);
    expect(stage.apiRequests).toHaveLength(1);
    expect(stage.tokenRequests).toBe(2);
  });
});

describe("signals", () => {
  const reason = new Error("the caller has lost interest");

  it("of a Request end the wait for a token", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "token", hang: true });
    const giveUp = new AbortController();
    const call = stage.fetch(new Request(`${stage.api}/users`, { signal: giveUp.signal }));
    await stage.talkdesk.requests.waitFor(({ to }) => to === "token");
    giveUp.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(stage.apiRequests).toEqual([]);
  });

  it("of init replace those of a Request", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/users`, { signal: AbortSignal.abort(reason) });
    expect((await stage.fetch(request.clone(), { signal: new AbortController().signal })).status).toBe(200);
    expect((await stage.fetch(request, { signal: null })).status).toBe(200);
    await expect(stage.fetch(request)).rejects.toBe(reason);
  });

  it("end the reading of a Request's body, before anything is asked", async () => {
    await using stage = await setStage();
    const giveUp = new AbortController();
    let cancelledWith: unknown;
    const body = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => {}),
      cancel(why) {
        cancelledWith = why;
      },
    });
    const request = new Request(`${stage.api}/echo`, {
      method: "POST",
      body,
      duplex: "half",
      signal: giveUp.signal,
    });
    const call = stage.fetch(request);
    giveUp.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(cancelledWith).toBe(reason);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("end a response that is being read", async () => {
    await using stage = await setStage();
    const giveUp = new AbortController();
    const response = await stage.fetch(`/large?bytes=${20 * MIB}`, { signal: giveUp.signal });
    giveUp.abort(reason);
    // Either the reason or an AbortError, by version.
    await expect(response.text()).rejects.toThrow();
  });
});

describe("responses", () => {
  const shapes: Readonly<Record<string, (stage: AuthorizedStage) => Call>> = {
    "a response": ({ api }) => [`${api}/users#part`],
    "a redirected response": ({ api, talkdesk }) => {
      talkdesk.faults.add({ at: "api", respond: answers.redirect("/users?page=2") });
      return [`${api}/users`];
    },
    "a response of another origin": ({ api, talkdesk }) => {
      const other = talkdesk.endpoints("acme", "eu").api;
      talkdesk.faults.add({ at: "api", respond: answers.redirect(`${other}/nowhere`) });
      return [`${api}/users`];
    },
    "a redirect that is left to the caller": ({ api, talkdesk }) => {
      talkdesk.faults.add({ at: "api", respond: answers.redirect("/users?page=2") });
      return [`${api}/users`, { redirect: "manual" }];
    },
    "no content": ({ api }) => [`${api}/echo?status=204`],
  };

  it.each(Object.keys(shapes))(
    "have url, type, redirected and headers as with fetch itself: %s",
    async (name) => {
      await using stage = await setStage();
      const { authorization } = await stage.source.getToken();
      const shapeOf = ({
        url,
        type,
        redirected,
        status,
        statusText,
        ok,
        headers,
        body,
      }: Response): unknown => ({
        url,
        type,
        redirected,
        status,
        statusText,
        ok,
        headers: [...headers].filter(([header]) => header !== "date"),
        hasBody: body !== null,
      });
      const shape = shapes[name] as (typeof shapes)[string];
      const [input, init] = shape(stage);
      const bare = await fetch(input, { ...init, headers: { authorization } });
      stage.talkdesk.faults.clear();
      const authorized = await stage.fetch(...shape(stage));
      expect(authorized).toBeInstanceOf(Response);
      expect(shapeOf(authorized)).toEqual(shapeOf(bare));
    },
  );

  it("that redirect are an error where the caller says so", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users") });
    await expect(stage.fetch("/users", { redirect: "error" })).rejects.toThrow(TypeError);
    expect(stage.apiRequests).toHaveLength(1);
  });

  it("that do not arrive are fetch's own error", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", reset: "before" });
    const error = await stage.fetch("/users").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: "fetch failed", cause: expect.any(Error) });
  });

  it.each<Call>([
    ["http://"],
    ["/users", { headers: { "not a name": "1" } }],
    ["/users", { method: "GET", body: "1" }],
    ["/users", { method: "not a method" }],
    ["/users", { redirect: "elsewhere" as "follow" }],
  ])("are a TypeError for what fetch does not take: %s %o", async (...call) => {
    await using stage = await setStage();
    await expect(stage.fetch(...call)).rejects.toThrow(TypeError);
    expect(stage.apiRequests).toEqual([]);
  });
});

describe("the fetch beneath", () => {
  it("is the global one of the moment of the call", async () => {
    await using stage = await setStage();
    await stage.source.getToken();
    const original = globalThis.fetch;
    const seen: string[] = [];
    globalThis.fetch = (input, init) => {
      seen.push(String(input));
      return original(input, init);
    };
    try {
      expect((await stage.fetch("/users")).status).toBe(200);
    } finally {
      globalThis.fetch = original;
    }
    expect((await stage.fetch("/users")).status).toBe(200);
    expect(seen).toEqual([`${stage.api}/users`]);
  });

  it("is the one of the options, which gets an absolute URL and init", async () => {
    const seen: Call[] = [];
    await using stage = await setStage(async (...call) => {
      seen.push(call);
      return new Response("its own");
    });
    const response = await stage.fetch("/users?page=2", { method: "DELETE", headers: { "x-a": "1" } });
    expect(await response.text()).toBe("its own");
    const { authorization } = await stage.source.getToken();
    expect(seen).toEqual([[`${stage.api}/users?page=2`, { method: "DELETE", headers: expect.any(Headers) }]]);
    expect([...new Headers(seen[0]?.[1]?.headers)]).toEqual([
      ["authorization", authorization],
      ["x-a", "1"],
    ]);
    expect(stage.apiRequests).toEqual([]);
  });

  it("gets the caller's own Request, and the changes as init", async () => {
    const seen: Call[] = [];
    await using stage = await setStage(async (...call) => {
      seen.push(call);
      return new Response();
    });
    const request = new Request(`${stage.api}/users`);
    await stage.fetch(request);
    expect(seen).toEqual([[request, { headers: expect.any(Headers) }]]);
    expect(seen[0]?.[0]).toBe(request);
  });

  it("gets a request to another origin as it was given, with an absolute URL", async () => {
    const seen: Call[] = [];
    await using stage = await setStage(async (...call) => {
      seen.push(call);
      return new Response();
    });
    const init: RequestInit = { method: "POST", body: "1" };
    await stage.fetch("https://example.com/a", init);
    expect(seen[0]?.[0]).toBe("https://example.com/a");
    expect(seen[0]?.[1]).toBe(init);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("may answer with a Response that has no URL, as a mock does", async () => {
    const seen: (string | null)[] = [];
    await using stage = await setStage(async (_, init) => {
      seen.push(new Headers(init?.headers).get("authorization"));
      return new Response(null, { status: seen.length === 1 ? 401 : 200 });
    });
    const response = await stage.fetch("/users");
    expect(response.status).toBe(200);
    expect(new Set(seen).size).toBe(2);
    expect(stage.tokenRequests).toBe(2);
  });
});

describe("the making", () => {
  const api = "https://api.talkdeskapp.com";

  it.each<[name: string, source: unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a client", { api }],
    ["the function that makes sources", clientCredentials],
    ["a source without an api", { getToken: async () => undefined }],
    ["a source with a path in its api", { api: `${api}/v1`, getToken: async () => undefined }],
    [
      "a source with an api in the clear",
      { api: "http://api.talkdeskapp.com", getToken: async () => undefined },
    ],
  ])("is a TypeError with %s for a source", (_, source) => {
    expect(() => talkdeskFetch(source as TokenSource)).toThrow(TypeError);
  });

  it.each<[origin: unknown]>([
    ["http://files.example.com"],
    ["https://files.example.com/path"],
    ["https://files.example.com/?query"],
    ["https://user@files.example.com"],
    ["ftp://files.example.com"],
    ["files.example.com"],
    ["*"],
    [""],
    [undefined],
    [1],
  ])("is a TypeError with %j among the origins", (origin) => {
    expect(() => talkdeskFetch(anySource(api), { origins: [origin as string] })).toThrow(TypeError);
  });

  it("is a TypeError with origins that are no list", () => {
    const origins = "https://files.example.com" as unknown as string[];
    expect(() => talkdeskFetch(anySource(api), { origins })).toThrow(TypeError);
  });

  it.each([
    "https://files.example.com",
    "https://files.example.com/",
    "http://localhost:3000",
    "http://[::1]:3000",
  ])("takes %s for an origin", (origin) => {
    expect(talkdeskFetch(anySource(api), { origins: [origin] })).toBeTypeOf("function");
  });
});
