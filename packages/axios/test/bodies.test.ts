import { once } from "node:events";
import { Agent } from "node:http";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { accessToken, TalkdeskError, type TokenSource } from "@talkdesk-oauth/core";
import type { RequestRecord } from "@talkdesk-oauth/emulator";
import axios, { type AxiosProgressEvent } from "axios";
import PackageFormData from "form-data";
import { Blob as ForeignBlob, File as ForeignFile, FormData as ForeignFormData } from "formdata-node";
import { describe, expect, it, vi } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";

const adapters = ["http", "fetch"] as const;

function formWithFile(): FormData {
  const form = new FormData();
  form.append("title", "Zoë");
  form.append("file", new File(["a,b\r\n1,2\0"], "ü.csv", { type: "text/csv" }));
  return form;
}

function packageForm(): PackageFormData {
  const form = new PackageFormData();
  form.append("title", "Zoë");
  form.append("file", Buffer.from("a,b"), { filename: "a.csv", contentType: "text/csv" });
  return form;
}

/** Reads what was sent, apart from the token. */
function sentAs({ method, url, rawHeaders, body }: RequestRecord): unknown {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && /^authorization$/i.test(name));
  const headers = at < 0 ? rawHeaders : rawHeaders.toSpliced(at, 2);
  return { method, url, headers, body: Buffer.from(body).toString("latin1") };
}

function parsedForm({ headers, body }: RequestRecord): Promise<FormData> {
  const { "content-type": type = "" } = headers;
  return new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
}

describe.each(adapters)("a body, on %s,", (adapter) => {
  const bodies: Readonly<Record<string, () => unknown>> = {
    "a string": () => "Zoë",
    "an object, as JSON": () => ({ name: "Zoë", phones: [{ number: "+1" }] }),
    "a list, as JSON": () => [1, 2],
    "a URLSearchParams": () => new URLSearchParams({ a: "ü &", b: "" }),
    "a Buffer": () => Buffer.from([0, 255, 10, 13]),
    "a view of a part of a buffer": () => new Uint8Array([9, 0, 255, 10, 9]).subarray(1, 4),
    "an ArrayBuffer": () => new Uint8Array([0, 255]).buffer,
    "a Blob": () => new Blob(["a,b"], { type: "text/csv" }),
    nothing: () => undefined,
  };

  it.each(Object.keys(bodies))("is what axios itself sends, and sends again: %s", async (name) => {
    await using stage = await setStage({ adapter });
    await stage.useRefusedToken();
    const make = bodies[name] as () => unknown;
    await axios.post(`${stage.api}/echo`, make(), { adapter, validateStatus: null });
    const { status } = await stage.client.post("/echo", make());
    const [bare, refused, replayed] = stage.apiRequests.map(sentAs);
    expect(status).toBe(200);
    expect(stage.apiRequests).toHaveLength(3);
    expect(refused).toEqual(bare);
    expect(replayed).toEqual(bare);
  });

  it("that is a FormData with a file arrives twice, with the same entries", async () => {
    await using stage = await setStage({ adapter });
    await stage.useRefusedToken();
    expect((await stage.client.post("/echo", formWithFile())).status).toBe(200);
    const [refused, replayed] = stage.apiRequests as [RequestRecord, RequestRecord];
    expect(stage.apiRequests).toHaveLength(2);
    expect(sentAs(replayed)).toEqual(sentAs(refused));
    const form = await parsedForm(replayed);
    const file = form.get("file") as File;
    expect([form.get("title"), file.name, file.type, await file.text()]).toEqual([
      "Zoë",
      "ü.csv",
      "text/csv",
      "a,b\r\n1,2\0",
    ]);
  });

  it("that is a FormData keeps its boundary where the caller named the type without one", async () => {
    await using stage = await setStage({ adapter });
    const headers = { "Content-Type": "multipart/form-data" };
    expect((await stage.client.post("/echo", formWithFile(), { headers })).status).toBe(200);
    expect((await parsedForm(stage.apiRequests[0] as RequestRecord)).get("title")).toBe("Zoë");
  });

  it("that is JSON has the type of JSON, or the caller's own", async () => {
    await using stage = await setStage({ adapter });
    await stage.client.put("/echo", { a: 1 });
    await stage.client.put("/echo", { a: 1 }, { headers: { "content-type": "application/vnd.api+json" } });
    expect(stage.apiRequests.map(({ headers }) => headers["content-type"])).toEqual([
      "application/json",
      "application/vnd.api+json",
    ]);
  });
});

describe("a form of formdata-node", () => {
  function foreignForm(): ForeignFormData {
    const form = new ForeignFormData();
    form.append("title", "Zoë");
    form.append("file", new ForeignFile(["a,b\r\n1,2\0"], "ü.csv", { type: "text/csv" }));
    return form;
  }

  it("arrives with its file, as from axios alone", async () => {
    await using stage = await setStage();
    await stage.client.post("/echo", foreignForm());
    await axios.post(`${stage.api}/echo`, foreignForm(), { validateStatus: null });
    for (const request of stage.apiRequests) {
      const form = await parsedForm(request);
      const file = form.get("file") as File;
      expect([form.get("title"), file.type, await file.text()]).toEqual(["Zoë", "text/csv", "a,b\r\n1,2\0"]);
    }
    expect(stage.apiRequests).toHaveLength(2);
  });

  it("is sent once with a refused token, since its bytes may differ the next time, and the next form has a new token", async () => {
    await using stage = await setStage({ validateStatus: null });
    await stage.useRefusedToken();
    expect((await stage.client.post("/echo", foreignForm())).status).toBe(401);
    expect((await stage.client.post("/echo", foreignForm())).status).toBe(200);
    expect(stage.apiRequests).toHaveLength(2);
  });

  it("may hold a Blob that is sent alone", async () => {
    await using stage = await setStage();
    const { data } = await stage.client.post("/echo", new ForeignBlob(["a,b"], { type: "text/csv" }));
    expect(data).toMatchObject({ text: "a,b", headers: { "content-type": "text/csv" } });
  });
});

describe("a body that can be read once", () => {
  const once: Readonly<Record<string, (stage: AuthorizedStage) => Promise<unknown>>> = {
    "the package form-data": ({ client }) => client.post("/echo", packageForm()),
    "an object that axios makes a form of": ({ client }) => client.postForm("/echo", { title: "Zoë" }),
    "a stream of Node's": ({ client }) => client.post("/echo", Readable.from(["a", "b"])),
    "a stream of the web, on fetch": ({ client }) =>
      client.post("/echo", new Blob(["ab"]).stream(), { adapter: "fetch" }),
  };

  it.each(Object.keys(once))("is sent once, and the next request has a new token: %s", async (name) => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const send = once[name] as (typeof once)[string];
    const error = await catchAxiosError(send(stage));
    expect(error.response).toMatchObject({ status: 401, data: { message: "Unauthorized" } });
    expect(stage.apiRequests).toHaveLength(1);
    await send(stage);
    expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
    expect(stage.tokenRequests).toBe(2);
  });

  it("arrives whole from the package form-data, with the type that it has itself", async () => {
    await using stage = await setStage();
    await stage.client.post("/echo", packageForm(), { headers: { "x-a": "1" } });
    const [request] = stage.apiRequests as [RequestRecord];
    const form = await parsedForm(request);
    expect(form.get("title")).toBe("Zoë");
    expect(await (form.get("file") as File).text()).toBe("a,b");
    expect(request.headers["x-a"]).toBe("1");
  });
});

describe.each(adapters)("progress, on %s,", (adapter) => {
  it("of an upload is reported for each sending", async () => {
    await using stage = await setStage({ adapter });
    await stage.useRefusedToken();
    const loaded: number[] = [];
    const onUploadProgress = ({ loaded: now }: AxiosProgressEvent): void => void loaded.push(now);
    const body = Buffer.alloc(200_000, "a");
    const { data } = await stage.client.post("/echo", body, { onUploadProgress });
    expect(data.bodyBytes).toBe(200_000);
    expect(loaded.filter((now) => now === 200_000)).toHaveLength(2);
  });

  it("of a download ends with all of it", async () => {
    await using stage = await setStage({ adapter });
    const events: AxiosProgressEvent[] = [];
    const { data } = await stage.client.get("/large?bytes=300000", {
      onDownloadProgress: (event) => void events.push(event),
    });
    expect(data).toHaveLength(300_000);
    expect(events.at(-1)).toMatchObject({ loaded: 300_000, total: 300_000 });
  });
});

describe.each(adapters)("a response, on %s,", (adapter) => {
  it.each([
    ["json", { page: 1 }],
    ["text", expect.stringContaining('"page":1')],
    ["arraybuffer", expect.toSatisfy((data) => Buffer.from(data).toString().includes('"page":1'))],
  ] as const)(
    "has the shape that responseType says, also after a refusal: %s",
    async (responseType, shape) => {
      await using stage = await setStage({ adapter, responseType });
      await stage.useRefusedToken();
      const transformResponse = responseType === "text" ? { transformResponse: [] } : {};
      const { data } = await stage.client.get("/users", transformResponse);
      if (responseType === "json") expect(data).toMatchObject(shape);
      else expect(data).toEqual(shape);
    },
  );

  it("streams while it arrives", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    let sendRest = (): void => {};
    const rest = new Promise<void>((resolve) => {
      sendRest = resolve;
    });
    const body = async function* (): AsyncGenerator<string> {
      yield "first, ";
      await rest;
      yield "last";
    };
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body } });
    const { data, status } = await stage.client.get("/users");
    expect(status).toBe(200);
    sendRest();
    expect(await text(data)).toBe("first, last");
  });

  it("streams what answers the second sending", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    await stage.useRefusedToken();
    const { data } = await stage.client.get("/large?bytes=3000000");
    expect((await buffer(data)).length).toBe(3_000_000);
    expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
  });

  it.each([true, false])(
    "streams a refusal that stands, unread, when validateStatus says %s",
    async (accepts) => {
      await using stage = await setStage({ adapter, responseType: "stream", validateStatus: () => accepts });
      const call = stage.client.get("/echo?status=401");
      const response = accepts ? await call : (await catchAxiosError(call)).response;
      expect(response?.status).toBe(401);
      expect(JSON.parse(await text(response?.data as Readable))).toMatchObject({ path: "/echo?status=401" });
      expect(stage.apiRequests).toHaveLength(2);
    },
  );
});

const endless = async function* (): AsyncGenerator<string> {
  for (;;) yield "x".repeat(65_536);
};

describe("a stream", () => {
  it.each([
    ["short", 100, undefined, 1],
    ["short", 100, null, 1],
    ["long", 60_000, undefined, 1],
    ["long", 60_000, null, 1],
    ["too long to be read away", 2_000_000, undefined, 2],
    ["too long to be read away", 2_000_000, null, 2],
  ])(
    "that is refused, and %s (%i bytes), leaves a pool of one connection free where validateStatus is %o",
    async (_, size, validateStatus, connections) => {
      const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        await using stage = await setStage({
          httpAgent,
          responseType: "stream",
          ...(validateStatus === null && { validateStatus }),
        });
        const { authorization } = await stage.source.getToken();
        const respond = { status: 401, body: "x".repeat(size) };
        stage.talkdesk.faults.add({ at: "api", match: { authorization }, respond });
        for (let round = 0; round < 3; round += 1) {
          const { data } = await stage.client.get("/users");
          expect(JSON.parse(await text(data)).page).toBe(1);
        }
        expect(stage.apiRequests).toHaveLength(4);
        expect(new Set(stage.apiRequests.map(({ connection }) => connection)).size).toBe(connections);
      } finally {
        httpAgent.destroy();
      }
    },
  );

  it.each(adapters)("that is refused and never ends is stopped, on %s", async (adapter) => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    const { authorization } = await stage.source.getToken();
    stage.talkdesk.faults.add({
      at: "api",
      match: { authorization },
      respond: { status: 401, body: endless },
    });
    const { data } = await stage.client.get("/users");
    expect(JSON.parse(await text(data)).page).toBe(1);
    await stage.talkdesk.requests.waitFor(({ aborted }) => aborted);
  });

  it.each(adapters)(
    "that is refused, and never ends, holds its connection for ten seconds, on %s",
    async (adapter) => {
      await using stage = await setStage();
      // Not the emulator's source, whose requests have timers of ten seconds too.
      const getToken: TokenSource["getToken"] = async (request) =>
        accessToken({ value: request?.rejected ? "fresh" : "stale", expiresAt: Date.now() + 600_000 });
      const client = axios.create({ adapter, responseType: "stream" });
      client.interceptors.request.use(talkdeskAxios({ api: stage.api, getToken }));
      const slow = async function* (): AsyncGenerator<string> {
        for (;;) {
          yield ".";
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      const refused = { status: 401, body: slow };
      stage.talkdesk.faults.add({ at: "api", match: { authorization: /stale/ }, respond: refused });
      stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body: "done" } });
      const { setTimeout: original } = globalThis;
      const soon = vi
        .spyOn(globalThis, "setTimeout")
        .mockImplementation(((run: () => void, delay?: number) =>
          original(run, delay === 10_000 ? 1 : delay)) as typeof setTimeout);
      try {
        expect(await text((await client.get("/users")).data)).toBe("done");
        await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
      } finally {
        soon.mockRestore();
      }
    },
  );

  it.each(adapters)("that is refused when the session is over is stopped, on %s", async (adapter) => {
    await using stage = await setStage();
    const { authorization } = await stage.source.getToken();
    const over = new TalkdeskError("reauthentication_required", "The session is over.");
    const client = axios.create({ adapter, responseType: "stream" });
    const getToken: TokenSource["getToken"] = async (request) => {
      if (request?.rejected) throw over;
      return stage.source.getToken();
    };
    client.interceptors.request.use(talkdeskAxios({ api: stage.api, getToken }));
    stage.talkdesk.faults.add({
      at: "api",
      match: { authorization },
      respond: { status: 401, body: endless },
    });
    await expect(client.get("/users")).rejects.toBe(over);
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
  });

  it("of an error stops its request when it is destroyed", async () => {
    await using stage = await setStage({ responseType: "stream" });
    stage.talkdesk.faults.add({ at: "api", respond: { status: 500, body: endless } });
    const error = await catchAxiosError(stage.client.get("/users"));
    const data = error.response?.data as Readable;
    await once(data, "readable");
    data.destroy();
    await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
  });
});
