import { Readable } from "node:stream";
import type { RequestRecord } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import type { AdapterStacks, PlainRequest } from "./driver.js";
import { readSent, type Subject, setStage } from "./stage.js";

const TEXT = "a,b\n1,2\n";

/** A file as `formdata-node`, `fetch-blob` and others make it: its `Symbol.toStringTag` is that of the platform's. */
class ForeignFile {
  readonly name = "a.csv";
  readonly type = "text/csv";
  readonly size = TEXT.length;
  readonly lastModified = 0;
  get [Symbol.toStringTag](): string {
    return "File";
  }
  async text(): Promise<string> {
    return TEXT;
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return new TextEncoder().encode(TEXT).buffer as ArrayBuffer;
  }
  stream(): ReadableStream<Uint8Array> {
    return new Blob([TEXT]).stream();
  }
  slice(): Blob {
    return new Blob([TEXT]);
  }
}

class ForeignForm {
  readonly #entries: [string, unknown][] = [];
  get [Symbol.toStringTag](): string {
    return "FormData";
  }
  append(name: string, value: unknown): void {
    this.#entries.push([name, value]);
  }
  set(name: string, value: unknown): void {
    this.append(name, value);
  }
  delete(): void {}
  get(name: string): unknown {
    return this.getAll(name)[0];
  }
  getAll(name: string): unknown[] {
    return this.#entries.filter(([key]) => key === name).map(([, value]) => value);
  }
  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }
  keys(): Iterator<string> {
    return this.#entries.map(([key]) => key).values();
  }
  values(): Iterator<unknown> {
    return this.#entries.map(([, value]) => value).values();
  }
  entries(): ArrayIterator<[string, unknown]> {
    return this.#entries.values();
  }
  [Symbol.iterator](): ArrayIterator<[string, unknown]> {
    return this.entries();
  }
  forEach(callback: (value: unknown, name: string) => void): void {
    for (const [name, value] of this) callback(value, name);
  }
}

class ForeignParams {
  get [Symbol.toStringTag](): string {
    return "URLSearchParams";
  }
  append(): void {}
  delete(): void {}
  get(): string {
    return "1";
  }
  getAll(): string[] {
    return ["1"];
  }
  has(): boolean {
    return true;
  }
  set(): void {}
  sort(): void {}
  [Symbol.iterator](): ArrayIterator<[string, string]> {
    return ([["a", "1"]] as [string, string][]).values();
  }
  toString(): string {
    return "a=1";
  }
}

/** A stream as `web-streams-polyfill` makes it. */
class ForeignStream {
  readonly #stream = new Blob([TEXT]).stream();
  readonly locked = false;
  getReader(): unknown {
    return this.#stream.getReader();
  }
  cancel(): Promise<void> {
    return this.#stream.cancel();
  }
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#stream[Symbol.asyncIterator]();
  }
}

/** A file whose content is read when it is sent. A copy of it is empty. */
class LazyFile extends File {
  constructor() {
    super([], "a.csv", { type: "text/csv" });
    Object.defineProperty(this, "size", { value: TEXT.length });
  }
  override stream(): ReturnType<File["stream"]> {
    return new Blob([TEXT]).stream();
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Blob([TEXT]).arrayBuffer();
  }
}

const makeBody: Readonly<Record<string, () => object>> = {
  "FormData with a file": () => {
    const form = new ForeignForm();
    form.append("title", "Zoë");
    form.append("file", new ForeignFile());
    return form;
  },
  "FormData of strings": () => {
    const form = new ForeignForm();
    form.append("title", "Zoë");
    return form;
  },
  "FormData with a platform's file": () => {
    const form = new ForeignForm();
    form.append("file", new File([TEXT], "a.csv", { type: "text/csv" }));
    return form;
  },
  Blob: () => new ForeignFile(),
  "File that is read when sent": () => new LazyFile(),
  URLSearchParams: () => new ForeignParams(),
  ReadableStream: () => new ForeignStream(),
  "stream of Node's": () => Readable.from([Buffer.from(TEXT)]),
};

/** Reads what arrived, with the boundary and the case of the parts' headers made equal. */
function readArrived(record: RequestRecord | undefined): unknown {
  if (record === undefined) return "nothing";
  const { method, headers, body } = record;
  const type = headers["content-type"];
  const boundary = /boundary="?([^";]+)/.exec(type ?? "")?.[1];
  const even = (text: string): string =>
    boundary === undefined
      ? text
      : text
          .replaceAll(boundary, "boundary")
          .replaceAll("; ", ";")
          .replace(/^content-[a-z-]+(?=:)/gim, (name) => name.toLowerCase());
  const text = even(Buffer.from(body).toString("latin1"));
  // The order of a part's headers has no meaning.
  const lines = boundary === undefined ? text : text.split("\r\n").sort();
  return { method, type: type && even(type), lines };
}

/** A body of another library is sent as the client alone sends it, and sent again only with the same bytes. */
export function describeForeignBodies(subject: Subject, alone: NonNullable<AdapterStacks["alone"]>): void {
  const requestOf = (url: string, name: string): PlainRequest => ({
    url,
    method: "POST",
    body: { kind: "foreign", value: (makeBody[name] as () => object)() },
  });

  it.each(Object.keys(makeBody))("sends a foreign %s as the client alone sends it", async (name) => {
    await using bare = await setStage({ driver: () => alone({}) });
    const [expected] = await Promise.allSettled([bare.send(requestOf(`${bare.otherApi}/echo`, name))]);
    await using stage = await setStage(subject);
    const [actual] = await Promise.allSettled([stage.send(requestOf(`${stage.api}/echo`, name))]);
    expect(actual.status).toBe(expected.status);
    expect(readArrived(stage.apiRequests[0])).toEqual(readArrived(bare.apiRequests[0]));
  });

  it.each(Object.keys(makeBody))(
    "sends a refused foreign %s again only with the same bytes",
    async (name) => {
      await using stage = await setStage(subject);
      await stage.useRefusedToken();
      const [outcome] = await Promise.allSettled([stage.send(requestOf(`${stage.api}/echo`, name))]);
      const [refused, ...replays] = stage.apiRequests;
      expect(replays.length).toBeLessThan(2);
      for (const replay of replays) expect(readSent(replay)).toEqual(refused && readSent(refused));
      // The client does not accept this body: see the tests above.
      if (outcome.status === "rejected") return;
      expect(outcome.value.status).toBe(replays.length === 0 ? 401 : 200);
    },
  );
}
