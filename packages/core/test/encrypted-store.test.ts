import { createDecipheriv, hkdfSync, randomBytes, randomInt, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { encryptedStore, memoryStore, TalkdeskError, type TokenStore } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const secret = "canary-secret-of-32-characters-or-more";
const nextSecret = "canary-secret-that-comes-after-the-first";
const value = '{"value":"canary-token","refreshToken":"canary-refresh"}';

/** Any character but a half of one. */
const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));

/** A store that holds `value` under "key", and what is beneath it. */
async function filled(secrets: string | readonly string[] = secret) {
  const inner = memoryStore();
  const store = encryptedStore(inner, secrets);
  expect(await store.write("key", value, { expectedVersion: 0 })).toBeGreaterThan(0);
  const record = (await inner.read("key"))?.value ?? "";
  return { inner, store, record };
}

/** A store over an inner store that has this record under every key. */
function holding(record: unknown, secrets: string | readonly string[] = secret): TokenStore {
  const inner = { ...memoryStore(), read: async () => ({ value: record as string, version: 7 }) };
  return encryptedStore(inner, secrets);
}

const NEWER_FORMAT = /^talkdesk-encrypted-([2-9]|[1-9]\d+)\./;

async function expectCorrupt(
  read: Promise<unknown>,
  message = /^The stored record could not be decrypted: /,
) {
  const error = await read.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TalkdeskError);
  expect(error).toMatchObject({ code: "store_corrupt", retryable: false });
  expect((error as Error).message).toMatch(message);
  const shown = `${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 10, showHidden: true })}`;
  expect(shown).not.toContain("canary");
}

describe("encryptedStore", () => {
  it("reads what was written, for any key and value", async () => {
    const inner = memoryStore();
    const store = encryptedStore(inner, secret);
    const anyKey = fc.string({ unit: character, minLength: 1 });
    await fc.assert(
      fc.asyncProperty(anyKey, fc.string({ unit: character, maxLength: 200 }), async (key, text) => {
        await store.delete(key);
        expect(await store.write(key, text, { expectedVersion: 0 })).toBeGreaterThan(0);
        expect((await store.read(key))?.value).toBe(text);
      }),
      // A decoder of text takes this for a mark of its own.
      { examples: [["\uFEFF", "\uFEFFa"]] },
    );
  });

  it("writes no plain text to the inner store", async () => {
    const { record } = await filled();
    expect(record).toMatch(/^talkdesk-encrypted-1\.[\w-]{11}\.[\w-]+$/);
    for (const text of [record, Buffer.from(record.split(".")[2] ?? "", "base64url").toString("latin1")]) {
      expect(text).not.toMatch(/canary|value|refresh/i);
    }
  });

  it("never writes the same twice", async () => {
    const { inner, store } = await filled();
    const records = new Set<string | undefined>();
    for (let round = 0; round < 50; round += 1) {
      const stored = await inner.read("key");
      records.add(stored?.value.split(".")[2]?.slice(0, 16));
      await store.write("key", value, { expectedVersion: stored?.version ?? 0 });
    }
    expect(records.size).toBe(50);
  });

  it("writes AES-256-GCM under a key of HKDF-SHA-256, bound to the record's key", async () => {
    const { record } = await filled();
    const [format = "", name = "", text = ""] = record.split(".");
    const derived = (info: string, length: number): Buffer =>
      Buffer.from(hkdfSync("sha256", secret, "", info, length));
    expect(name).toBe(derived(`${format} name`, 8).toString("base64url"));
    const bytes = Buffer.from(text, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", derived(`${format} key`, 32), bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from(JSON.stringify([format, "key"])));
    decipher.setAuthTag(bytes.subarray(-16));
    expect(`${decipher.update(bytes.subarray(12, -16), undefined, "utf8")}${decipher.final("utf8")}`).toBe(
      value,
    );
  });

  it("reads what this version wrote, in every later one", async () => {
    const record =
      "talkdesk-encrypted-1.uCedzJWY5mM.oA_xShy5iQ4e5rf85_e3UWbBWSKi3YSvlRPKDiz_Cz0u4r9ykcRBAQy_Bn6cdr8l0NIJO_hymzpwB7QSSkNrSIkksuRakIF0eK7Z7pw9wCXen_2C";
    expect(await holding(record).read("key")).toEqual({ value, version: 7 });
  });

  it("shows neither secret nor values", async () => {
    const { store } = await filled([secret, nextSecret]);
    await store.read("key");
    for (const shown of [
      inspect(store, { depth: 10, showHidden: true }),
      JSON.stringify(store),
      Object.values(store).map(String).join(),
    ]) {
      expect(shown).not.toContain("canary");
    }
    expect(Object.isFrozen(store)).toBe(true);
  });
});

describe("a record that is not its own, not whole, or of another key", () => {
  it("does not open when any character is another", async () => {
    const { record } = await filled();
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\0é";
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: record.length - 1 }),
        fc.constantFrom(...alphabet),
        async (at, other) => {
          fc.pre(record[at] !== other);
          const changed = record.slice(0, at) + other + record.slice(at + 1);
          // The number of a later format tells a record of a newer version, which is kept.
          fc.pre(!NEWER_FORMAT.test(changed));
          await expectCorrupt(holding(changed).read("key"));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("does not open when it is cut, at any place, or goes on", async () => {
    const { record } = await filled();
    for (let length = 0; length < record.length; length += 1) {
      await expectCorrupt(holding(record.slice(0, length)).read("key"));
    }
    for (const more of ["A", "AAAA", ".", "=", " ", "\n", record]) {
      await expectCorrupt(holding(record + more).read("key"));
    }
  });

  it.each(["keys", "ke", "Key", "key ", "", 'key"]', "\uD800"])("does not open under %j", async (key) => {
    const { record } = await filled();
    await expectCorrupt(holding(record).read(key), /written under another key\. Delete it\.$/);
  });

  it("does not open under a key that looks alike in UTF-8", async () => {
    const inner = memoryStore();
    const store = encryptedStore(inner, secret);
    await store.write("key \uD800", value, { expectedVersion: 0 });
    const record = (await inner.read("key \uD800"))?.value;
    expect(await holding(record).read("key \uD800")).toEqual({ value, version: 7 });
    await expectCorrupt(holding(record).read("key \uD801"));
    await expectCorrupt(holding(record).read("key \uFFFD"));
  });

  it("does not open with another secret, and says so", async () => {
    const { record } = await filled();
    await expectCorrupt(
      holding(record, nextSecret).read("key"),
      /encrypted with another secret\. Give that one too/,
    );
    await expectCorrupt(holding(record, [nextSecret, `${secret}.`]).read("key"), /with another secret/);
  });

  it.each<[string, unknown]>([
    ["in plain", value],
    ["of a format that never was", "talkdesk-encrypted-0.AAAAAAAAAAA.AAAA"],
    ["empty", ""],
    ["of the format alone", "talkdesk-encrypted-1"],
    ["without a body", "talkdesk-encrypted-1.AAAAAAAAAAA"],
    ["absent", undefined],
    ["a number", 5],
    ["bytes", Buffer.from("talkdesk-encrypted-1.AAAAAAAAAAA.AAAA")],
  ])("does not open when it is %s", async (_, record) => {
    await expectCorrupt(holding(record).read("key"), /it is not one that this version encrypts\. /);
  });

  it.each(["2", "10"])(
    "is not called corrupt in the newer format %s, so that no source deletes it",
    async (format) => {
      const read = holding(`talkdesk-encrypted-${format}.AAAA`).read("key");
      await expect(read).rejects.toMatchObject({ code: "record_newer" });
      await expect(read).rejects.toThrow(/newer version/);
    },
  );

  it("stays where it is", async () => {
    const { inner, record } = await filled();
    await expectCorrupt(encryptedStore(inner, nextSecret).read("key"));
    expect((await inner.read("key"))?.value).toBe(record);
  });
});

describe("several secrets", () => {
  it("all read, and the first writes", async () => {
    const { inner } = await filled(secret);
    const rotating = encryptedStore(inner, [nextSecret, secret]);
    const { version } = (await rotating.read("key")) ?? { version: 0 };
    expect(await encryptedStore(inner, [secret, nextSecret]).read("key")).toEqual({ value, version });
    await rotating.write("key", "next", { expectedVersion: version });
    expect((await encryptedStore(inner, nextSecret).read("key"))?.value).toBe("next");
    expect((await encryptedStore(inner, [secret, nextSecret]).read("key"))?.value).toBe("next");
    await expectCorrupt(encryptedStore(inner, secret).read("key"));
  });

  it("are copied, so that later changes to the list do not count", async () => {
    const secrets = [secret];
    const inner = memoryStore();
    const store = encryptedStore(inner, secrets);
    secrets[0] = nextSecret;
    await store.write("key", value, { expectedVersion: 0 });
    expect((await encryptedStore(inner, secret).read("key"))?.value).toBe(value);
  });

  it.each<[string, unknown]>([
    ["none", undefined],
    ["null", null],
    ["a number", 5],
    ["an object", { canary: "canary-canary-canary-canary-canary" }],
    ["an empty list", []],
    ["an empty one", ""],
    ["a short one", "canary-canary-canary-canary-can"],
    ["a short one after a good one", [secret, "canary"]],
    ["a good one and none", [secret, undefined]],
    ["one with a line break at the end", `${secret}\n`],
    ["one with white space before", ` ${secret}`],
    ["one with a control character", `${secret}\u0000${secret}`],
    ["one that is not well-formed", `${secret}\uD800`],
    ["one character, many times", "c".repeat(32)],
    ["a word, many times", "canary".repeat(8)],
    ["a word, many times, with an ending", `${"canary-".repeat(6)}1`],
    ["digits that count up", "1234567890".repeat(4)],
    ["two characters in turn", "ab".repeat(20)],
    ["hexadecimal digits that count up", "0123456789abcdef".repeat(2)],
    ["the alphabet", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"],
    ["zeros and a one", `${"0".repeat(40)}1`],
    ["runs of characters", "aaaaaaaabbbbbbbbccccccccdddddddd"],
    ["a guessable one after a good one", [secret, "c".repeat(32)]],
  ])("must not be %s", (_, secrets) => {
    const make = () => encryptedStore(memoryStore(), secrets as string);
    expect(make).toThrow(TypeError);
    expect(make).not.toThrow(/canary/);
  });

  it.each<[string, () => string]>([
    ["32 hexadecimal digits", () => randomBytes(16).toString("hex")],
    ["openssl rand -base64 32", () => randomBytes(32).toString("base64")],
    ["openssl rand -hex 32", () => randomBytes(32).toString("hex")],
    ["a random UUID", () => randomUUID()],
    ["32 decimal digits", () => Array.from({ length: 32 }, () => randomInt(10)).join("")],
  ])("may be %s, whichever is drawn", (_, draw) => {
    for (let round = 0; round < 500; round += 1) {
      const drawn = draw();
      expect(() => encryptedStore(memoryStore(), drawn)).not.toThrow();
    }
  });

  it("are refused with the command that makes one", () => {
    expect(() => encryptedStore(memoryStore(), "password")).toThrow(/openssl rand -base64 32/);
  });
});

describe("the store beneath", () => {
  it("gets keys, options and locks as they are, and keeps its `this`", async () => {
    const calls: unknown[] = [];
    const lock = { fence: 9, release: async () => undefined };
    class Inner implements TokenStore {
      readonly #calls = calls;
      async read(key: string) {
        this.#calls.push(["read", key]);
        return undefined;
      }
      async write(key: string, _: string, options: object) {
        this.#calls.push(["write", key, options]);
        return 7;
      }
      async delete(key: string) {
        this.#calls.push(["delete", key]);
      }
      async lock(key: string, options: object) {
        this.#calls.push(["lock", key, options]);
        return lock;
      }
    }
    const store = encryptedStore(new Inner(), secret);
    const { signal } = new AbortController();
    expect(await store.read("a")).toBeUndefined();
    expect(await store.write("b", value, { expectedVersion: 3, fence: 4, expiresAt: 5 })).toBe(7);
    await store.delete("c");
    expect(await store.lock("d", { ttlMs: 6, signal })).toBe(lock);
    expect(calls).toEqual([
      ["read", "a"],
      ["write", "b", { expectedVersion: 3, fence: 4, expiresAt: 5 }],
      ["delete", "c"],
      ["lock", "d", { ttlMs: 6, signal }],
    ]);
  });

  it("rejects with its own errors", async () => {
    const down = new Error("the database is down");
    const fail = () => Promise.reject(down);
    const store = encryptedStore({ read: fail, write: fail, delete: fail, lock: fail }, secret);
    await expect(store.read("key")).rejects.toBe(down);
    await expect(store.write("key", value, { expectedVersion: 0 })).rejects.toBe(down);
    await expect(store.delete("key")).rejects.toBe(down);
    await expect(store.lock("key", { ttlMs: 1 })).rejects.toBe(down);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a Map", new Map()],
    ["one without lock", { ...memoryStore(), lock: undefined }],
  ])("must be a store, not %s", (_, inner) => {
    expect(() => encryptedStore(inner as TokenStore, secret)).toThrow(
      new TypeError(
        "store must be a TokenStore, such as memoryStore(): it must have the functions read, write, delete, lock.",
      ),
    );
  });

  it.each<[string, unknown]>([
    ["a number", 5],
    ["nothing", undefined],
    ["text that UTF-8 cannot hold", "canary \uD800"],
  ])("gets no value that is %s", async (_, wrong) => {
    const inner = memoryStore();
    const store = encryptedStore(inner, secret);
    const write = store.write("key", wrong as string, { expectedVersion: 0 });
    await expect(write).rejects.toThrow(new TypeError("value must be a string of well-formed Unicode."));
    expect(await inner.read("key")).toBeUndefined();
  });
});
