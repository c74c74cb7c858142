import { Readable } from "node:stream";
import { captureBody } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";

const textOf = (body: unknown): Promise<string> =>
  new Response(body as ConstructorParameters<typeof Response>[0]).text();

/** Stands for a class of another library: it calls itself what the platform's is called. */
function foreign<Members extends object>(tag: string, members: Members): Members {
  return Object.assign(Object.create({ [Symbol.toStringTag]: tag }), members);
}

const foreignFile = foreign("File", {
  name: "a.csv",
  type: "text/csv",
  size: 3,
  stream: () => new Blob(["a,b"]).stream(),
});

const foreignForm = (value: unknown): object =>
  foreign("FormData", {
    *[Symbol.iterator]() {
      yield ["file", value];
    },
  });

describe("a body that changes after the call", () => {
  const changing: Readonly<Record<string, () => [body: object, change: () => void]>> = {
    "a Uint8Array": () => {
      const body = new TextEncoder().encode("as it was");
      return [body, () => body.fill(0)];
    },
    "a Buffer": () => {
      const body = Buffer.from("as it was");
      return [body, () => body.fill(0)];
    },
    "a DataView of a part": () => {
      const bytes = new TextEncoder().encode("not as it was");
      return [new DataView(bytes.buffer, 4), () => bytes.fill(0)];
    },
    "an ArrayBuffer": () => {
      const bytes = new TextEncoder().encode("as it was");
      return [bytes.buffer, () => bytes.fill(0)];
    },
    "a FormData": () => {
      const body = new FormData();
      body.set("a", "as it was");
      return [body, () => body.set("a", "changed")];
    },
    "a URLSearchParams": () => {
      const body = new URLSearchParams({ a: "as it was" });
      return [body, () => body.set("a", "changed")];
    },
  };

  it.each(Object.keys(changing))("is what it was at the call: %s", async (name) => {
    const [given, change] = (changing[name] as (typeof changing)[string])();
    const { body, isReplayable } = captureBody(given);
    change();
    expect(isReplayable).toBe(true);
    expect((await textOf(body)).replaceAll("+", " ")).toContain("as it was");
  });

  it("is what it was at the call, and of its type, for a list of chunks", () => {
    const chunk = Buffer.from("as it was");
    const list: unknown[] = [chunk, " at the call"];
    const { body, isReplayable } = captureBody(list);
    chunk.fill(0);
    list.push("more");
    expect(isReplayable).toBe(true);
    expect(body).toEqual([Buffer.from("as it was"), " at the call"]);
    expect(Buffer.isBuffer((body as unknown[])[0])).toBe(true);
  });
});

describe("a body that the client alone understands comes back as it is, to be sent once", () => {
  class LazyFile extends File {
    override stream(): ReturnType<File["stream"]> {
      return new Blob(["read when sent"]).stream();
    }
  }
  const lazyForm = new FormData();
  lazyForm.append("file", new LazyFile([], "a.txt"));

  const bodies: Readonly<Record<string, unknown>> = {
    "a FormData of another library, with a file of its own": foreignForm(foreignFile),
    "a FormData of another library, with a file of the platform's": foreignForm(new File(["a"], "a.txt")),
    "a FormData of another library, with something unknown": foreignForm({ uri: "file:///a" }),
    "a FormData without entries, such as form-data's": foreign("FormData", { pipe() {} }),
    "a FormData with a file that is read when sent": lazyForm,
    "a Blob of another library": foreignFile,
    "a File that is read when sent": new LazyFile([], "a.txt"),
    "a Blob with a stream of its own": Object.assign(new Blob(["a"]), { stream: () => foreignFile.stream() }),
    "a URLSearchParams of another library": foreign("URLSearchParams", { toString: () => "a=1" }),
    "a URLSearchParams with a toString of its own": new (class extends URLSearchParams {
      override toString(): string {
        return "signed";
      }
    })(),
    "a stream of the web": new ReadableStream(),
    "a stream of another library": { getReader() {} },
    "a stream of Node's": Readable.from([]),
    "an async generator": (async function* () {})(),
    "a generator": (function* () {})(),
    "a Set of chunks": new Set(["a"]),
    "a list with something unknown": ["a", 1],
    "an object": { a: 1 },
    "a function": () => "a",
  };

  it.each(Object.keys(bodies))("%s", (name) => {
    const { body, isReplayable } = captureBody(bodies[name]);
    expect(body).toBe(bodies[name]);
    expect(isReplayable).toBe(false);
  });
});

describe("a body that cannot change can be sent again, as it is", () => {
  it.each<[string, unknown]>([
    ["a string", "a"],
    ["nothing", null],
    ["undefined", undefined],
    ["a Blob", new Blob(["a"])],
    ["a File", new File(["a"], "a.txt")],
  ])("%s", (_, given) => {
    const { body, isReplayable } = captureBody(given);
    expect(body).toBe(given);
    expect(isReplayable).toBe(true);
  });
});

describe("a FormData of the client's own class", () => {
  class OwnFormData {
    *[Symbol.iterator](): Iterator<[string, unknown]> {
      yield ["file", new File(["a,b"], "a.csv", { type: "text/csv" })];
    }
  }

  it("is made of parts as the platform's is", async () => {
    const { body, isReplayable } = captureBody<unknown>(new OwnFormData(), OwnFormData);
    expect(isReplayable).toBe(true);
    const parsed = await new Response(body as Blob).formData();
    expect(await (parsed.get("file") as File).text()).toBe("a,b");
  });

  it("names a file blob where the runtime leaves it without a name, as Bun does", async () => {
    class WithBlob extends OwnFormData {
      override *[Symbol.iterator](): Iterator<[string, unknown]> {
        yield ["file", new Blob(["a,b"])];
      }
    }
    const { body } = captureBody<unknown>(new WithBlob(), WithBlob);
    const parsed = await new Response(body as Blob).formData();
    expect((parsed.get("file") as File).name).toBe("blob");
  });

  it("is left to the client where it has files of its own", () => {
    class WithForeignFile extends OwnFormData {
      override *[Symbol.iterator](): Iterator<[string, unknown]> {
        yield ["file", foreignFile];
      }
    }
    const form = new WithForeignFile();
    expect(captureBody<unknown>(form, WithForeignFile)).toEqual({ body: form, isReplayable: false });
  });
});
