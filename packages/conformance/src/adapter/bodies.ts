import type { RequestRecord } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import type { BodyKind, RequestBody } from "./driver.js";
import { readSent, type Subject, setStage } from "./stage.js";

const text = "name=Zoë & Ætla\r\n\0";
const bytes = new TextEncoder().encode(text);

/** Makes a new body of each kind. */
const makeBody: { readonly [Kind in BodyKind]: () => RequestBody & { readonly kind: Kind } } = {
  string: () => ({ kind: "string", value: text }),
  bytes: () => ({ kind: "bytes", value: Uint8Array.from({ length: 300 }, (_, index) => index % 256) }),
  form: () => ({
    kind: "form",
    value: new URLSearchParams([
      ["q", "a b"],
      ["q", "ü&="],
    ]),
  }),
  multipart: () => {
    const form = new FormData();
    form.append("title", "Zoë");
    form.append("file", new Blob([bytes], { type: "text/csv" }), "a.csv");
    return { kind: "multipart", value: form };
  },
  blob: () => ({ kind: "blob", value: new Blob([bytes], { type: "text/csv" }) }),
  stream: () => ({
    kind: "stream",
    value: new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.subarray(0, 5));
        controller.enqueue(bytes.subarray(5));
        controller.close();
      },
    }),
  }),
  iterable: () => ({
    kind: "iterable",
    value: (async function* () {
      yield bytes.subarray(0, 5);
      yield bytes.subarray(5);
    })(),
  }),
};

const latin1 = (of: Uint8Array): string => Buffer.from(of).toString("latin1");
/** Text that must be found in the bytes that arrive, by kind of body. */
const carried: Readonly<Record<BodyKind, string>> = {
  string: latin1(bytes),
  bytes: latin1(Uint8Array.from({ length: 300 }, (_, index) => index % 256)),
  form: "q=a+b&q=%C3%BC%26%3D",
  multipart: latin1(bytes),
  blob: latin1(bytes),
  stream: latin1(bytes),
  iterable: latin1(bytes),
};

/** A body that can be sent again is sent with the same bytes; any other is sent once. */
export function describeBodies(subject: Subject): void {
  const { bodies, replayable } = subject.capabilities;
  const headers = { "idempotency-key": "7f", "x-trace": "1" };

  for (const kind of Object.keys(makeBody) as BodyKind[]) {
    if (!bodies.includes(kind)) {
      it(`leaves it to the client to reject a ${kind} body`, async () => {
        await using stage = await setStage(subject);
        const call = stage.send({ url: `${stage.api}/echo`, method: "POST", body: makeBody[kind]() });
        await expect(call).rejects.toThrow();
        expect(stage.apiRequests.filter(({ status }) => status === 200)).toEqual([]);
      });
      continue;
    }

    it(`sends a ${kind} body`, async () => {
      await using stage = await setStage(subject);
      const { status } = await stage.send({
        url: `${stage.api}/echo`,
        method: "POST",
        body: makeBody[kind](),
      });
      expect(status).toBe(200);
      expect(stage.apiRequests.map(({ body }) => latin1(body))).toEqual([
        expect.stringContaining(carried[kind]),
      ]);
    });

    if (replayable.includes(kind)) {
      it(`sends a refused ${kind} body once more, with the same bytes and headers`, async () => {
        await using stage = await setStage(subject);
        await stage.useRefusedToken();
        const { status } = await stage.send({
          url: `${stage.api}/echo?kind=${kind}`,
          method: "POST",
          headers,
          body: makeBody[kind](),
        });
        const [refused, replayed] = stage.apiRequests;
        expect(status).toBe(200);
        expect(stage.apiRequests).toHaveLength(2);
        expect(refused && readSent(refused)).toMatchObject({ body: expect.stringContaining(carried[kind]) });
        expect(replayed && readSent(replayed)).toEqual(refused && readSent(refused));
      });
    } else {
      it(`sends a refused ${kind} body once, hands over the 401, and has a new token for the next request`, async () => {
        await using stage = await setStage(subject);
        await stage.useRefusedToken();
        const request = { url: `${stage.api}/echo`, method: "POST", headers };
        const response = await stage.send({ ...request, body: makeBody[kind]() });
        expect(response.status).toBe(401);
        expect(JSON.parse(await response.text())).toMatchObject({ message: "Unauthorized" });
        expect(stage.apiRequests.map(({ body }) => latin1(body))).toEqual([
          expect.stringContaining(carried[kind]),
        ]);

        const next = await stage.send({ ...request, body: makeBody[kind]() });
        expect(next.status).toBe(200);
        expect(stage.apiRequests).toHaveLength(2);
        expect(stage.tokenRequests).toBe(2);
      });
    }
  }

  if (bodies.includes("multipart")) {
    it("sends a multipart body that its receiver can read", async () => {
      await using stage = await setStage(subject);
      await stage.send({ url: `${stage.api}/echo`, method: "POST", body: makeBody.multipart() });
      const [{ headers: sent, body }] = stage.apiRequests as [RequestRecord];
      const parts = await new Response(new Uint8Array(body), {
        headers: { "content-type": sent["content-type"] ?? "" },
      }).formData();
      expect([parts.get("title"), (parts.get("file") as File).name]).toEqual(["Zoë", "a.csv"]);
      // The spelling of every fetch and of axios, because some receivers compare these names with their case.
      expect(latin1(body).match(/^content-[a-z]+(?=:)/gim)).toEqual([
        "Content-Disposition",
        "Content-Disposition",
        "Content-Type",
      ]);
    });
  }

  it("sends a refused request of 4 MiB once more, whole", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    const value = "0123456789abcdef".repeat(262_144);
    const { status } = await stage.send({
      url: `${stage.api}/echo`,
      method: "PUT",
      body: { kind: "string", value },
    });
    const sizes = stage.apiRequests.map(({ body }) => body.length);
    if (replayable.includes("string")) {
      expect([status, ...sizes]).toEqual([200, value.length, value.length]);
    } else {
      expect([status, ...sizes]).toEqual([401, value.length]);
    }
  });
}
