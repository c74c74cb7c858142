import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPortalData } from "../../src/command/portal-data.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

let home: TemporaryFolder;
/** The folder of the data, which is not there yet. */
let folder: string;
beforeEach(() => {
  home = temporaryFolder();
  folder = join(home.path, "data");
});
afterEach(() => home[Symbol.dispose]());

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const SECRETS = ["the-first-secret-of-the-tests-of-7f3a", "the-second-secret-that-these-tests-41bd"] as const;
const isRoot = process.getuid?.() === 0;

describe("the data of the portal", () => {
  it("are in files and a folder that only their user can read", async () => {
    const { file, store } = await openPortalData(folder, []);
    await store.write("a key", "a value", { expectedVersion: 0 });
    expect(modeOf(folder)).toBe(0o700);
    for (const path of [file, `${file}-wal`, join(folder, "secret")]) {
      expect([path, modeOf(path)]).toEqual([path, 0o600]);
    }
    chmodSync(file, 0o644);
    await openPortalData(folder, []);
    expect(modeOf(file)).toBe(0o600);
  });

  it("are encrypted, and read again after a restart with the same secret", async () => {
    const first = await openPortalData(folder, []);
    await first.store.write("a key", "a value that is secret", { expectedVersion: 0 });
    const second = await openPortalData(folder, []);
    expect(second.secrets).toEqual(first.secrets);
    expect(second.secrets[0]).toHaveLength(43);
    expect(await second.store.read("a key")).toMatchObject({ value: "a value that is secret" });
    for (const path of [first.file, `${first.file}-wal`]) {
      expect(readFileSync(path, "latin1")).not.toContain("a value that is secret");
    }
    expect([first.hasOtherSecret, second.hasOtherSecret]).toEqual([false, false]);
  });

  it("have one secret, however many portals start at the same time", async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => openPortalData(folder, [])));
    const [secret = "", ...others] = new Set(opened.map(({ secrets }) => secrets.join()));
    expect(secret).toHaveLength(43);
    expect(others).toEqual([]);
    expect(opened.map(({ hasOtherSecret }) => hasOtherSecret)).toEqual(opened.map(() => false));
  });

  it("use a given secret, and make none", async () => {
    const { secrets } = await openPortalData(folder, SECRETS);
    expect(secrets).toEqual(SECRETS);
    expect(() => statSync(join(folder, "secret"))).toThrow(/ENOENT/);
  });

  it("tell that the secret is another, delete nothing, and are read with both", async () => {
    const [earlier, later] = SECRETS;
    const first = await openPortalData(folder, [earlier]);
    await first.store.write("a key", "a value", { expectedVersion: 0 });
    const second = await openPortalData(folder, [later]);
    expect(second.hasOtherSecret).toBe(true);
    await expect(second.store.read("a key")).rejects.toMatchObject({ code: "store_corrupt" });
    const both = await openPortalData(folder, [later, earlier]);
    expect(both.hasOtherSecret).toBe(false);
    expect(await both.store.read("a key")).toMatchObject({ value: "a value" });
  });
});

describe("one sentence says why the data cannot be kept:", () => {
  /** What a person reads, where the folder is called FOLDER. */
  async function complaint(): Promise<string> {
    const error = await openPortalData(folder, []).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message.replaceAll(folder, "FOLDER");
  }
  const REMEDY = "Set PORTAL_DATA to another folder, or start the portal with --memory.";

  it("the folder cannot be made", async () => {
    writeFileSync(folder, "a file");
    expect(await complaint()).toMatch(/^The portal cannot keep its sessions in FOLDER\. EEXIST/);
    expect(await complaint()).toContain(REMEDY);
  });

  it("the file cannot be written", async () => {
    mkdirSync(join(folder, "portal.db"), { recursive: true, mode: 0o700 });
    expect(await complaint()).toMatch(/^The portal cannot keep its sessions in FOLDER\. EISDIR/);
  });

  it("the file is no database", async () => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(
      join(folder, "portal.db"),
      "something else, and longer than the head of a database ".repeat(9),
    );
    expect(await complaint()).toMatch(/FOLDER\. The file is not a SQLite database/);
    expect(readFileSync(join(folder, "portal.db"), "utf8")).toMatch(/^something else/);
  });

  it("a newer version of the package has made the tables", async () => {
    const { file, store } = await openPortalData(folder, []);
    await store.write("a key", "a value", { expectedVersion: 0 });
    new Database(file).exec("UPDATE talkdesk_oauth_store SET schema_version = 99");
    expect(await complaint()).toMatch(
      /FOLDER\. The tables are of version 99, made by a newer .* update the package/,
    );
    new Database(file).exec("UPDATE talkdesk_oauth_store SET schema_version = 1");
    expect(await (await openPortalData(folder, [])).store.read("a key")).toMatchObject({ value: "a value" });
  });

  it.runIf(isRoot)("the folder belongs to another user", async () => {
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, 65_534, 65_534);
    expect(await complaint()).toMatch(/^FOLDER belongs to another user, who could replace/);
  });

  it("other users can change the folder", async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    expect(await complaint()).toMatch(/^FOLDER can be changed by other users, who could replace/);
  });

  it("others may have read the secret, or it is damaged, and it is not repeated", async () => {
    await openPortalData(folder, []);
    const path = join(folder, "secret");
    const secret = readFileSync(path, "utf8").trim();
    chmodSync(path, 0o640);
    expect(await complaint()).toMatch(/^Other users may have read FOLDER\/secret\. Delete it/);
    expect(await complaint()).not.toContain(secret);
    rmSync(path);
    writeFileSync(path, "hunter2", { mode: 0o600 });
    expect(await complaint()).toMatch(/^FOLDER\/secret does not contain the portal's secret\./);
    expect(await complaint()).not.toContain("hunter2");
  });
});
