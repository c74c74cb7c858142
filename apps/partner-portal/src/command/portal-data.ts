import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkSecret, encryptedStore, type TokenStore } from "@talkdesk-oauth/core";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { createFile } from "./create-file.js";

/**
 * What the portal keeps across a restart. Its file is open until the process ends: a refresh that is in flight when the
 * portal stops still stores its answer.
 */
export interface PortalData {
  /** Keeps sessions and tokens, encrypted. Portals on one folder share it. */
  readonly store: TokenStore;
  /** Encrypt the store and sign cookies: the first is used, all are accepted. */
  readonly secrets: readonly string[];
  /** The file of the store. */
  readonly file: string;
  /** True when the store was written with none of the secrets. What is in it cannot be read, and is kept. */
  readonly hasOtherSecret: boolean;
}

/** The record that tells whether the store was written with a known secret. */
const SECRET_PROBE = "secret-probe";

/** The permissions of others, on a file or folder. */
const [OTHERS_READ, OTHERS_WRITE] = [0o077, 0o022];

/**
 * Opens the file of sessions and tokens in a folder; makes both where they are missing, for the user of this process alone.
 *
 * @param given The secrets. When there are none, one is made at the first start and kept beside the file.
 * @throws TypeError (rejection) with a sentence for the person who starts the portal.
 */
export async function openPortalData(folder: string, given: readonly string[]): Promise<PortalData> {
  const file = join(folder, "portal.db");
  try {
    await makeFolder(folder);
    const secrets = given.length > 0 ? given : [await keepSecret(join(folder, "secret"))];
    await makePrivate(file);
    const { default: Database } = await import("libsql");
    const store = encryptedStore(sqliteStore(new Database(file)), secrets);
    return { store, secrets, file, hasOtherSecret: await writeProbe(store) };
  } catch (error) {
    if (error instanceof TypeError) throw error;
    throw new TypeError(
      `The portal cannot keep its sessions in ${folder}. ${withFullStop((error as Error).message)} Set PORTAL_DATA to another folder, or start the portal with --memory.`,
    );
  }
}

const withFullStop = (sentence: string): string => sentence.replace(/\.?$/, ".");

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(folder);
  const isOwn = process.getuid === undefined || uid === process.getuid();
  if (isOwn && !(mode & OTHERS_WRITE)) return;
  throw new TypeError(
    `${folder} ${isOwn ? "can be changed by other users" : "belongs to another user"}, who could replace the portal's file. Set PORTAL_DATA to a folder that only you can change.`,
  );
}

/** Makes a file that only this user can read, or takes the permissions of others from it. SQLite gives its `-wal` the same. */
async function makePrivate(file: string): Promise<void> {
  await using handle = await open(file, "a", 0o600);
  const { mode } = await handle.stat();
  if (mode & OTHERS_READ) await chmod(file, 0o600);
}

/** Reads the secret in a file; makes it where it is missing. Two portals that start at the same time get the same one. */
async function keepSecret(file: string): Promise<string> {
  try {
    return await readSecret(file);
  } catch (error) {
    if (Object(error).code !== "ENOENT") throw error;
  }
  await createFile(file, `${randomBytes(32).toString("base64url")}\n`);
  return readSecret(file);
}

async function readSecret(file: string): Promise<string> {
  const { mode } = await stat(file);
  // On Windows, the mode says nothing of others.
  if (process.getuid !== undefined && mode & OTHERS_READ) {
    throw new TypeError(
      `Other users may have read ${file}. Delete it, and everybody signs in again with a new one; or keep it with: chmod 600`,
    );
  }
  const secret = (await readFile(file, "utf8")).trim();
  try {
    checkSecret(secret);
  } catch {
    throw new TypeError(
      `${file} does not contain the portal's secret. Restore it, or delete it for a new one.`,
    );
  }
  return secret;
}

/**
 * Writes the probe, which also shows that the file can be written.
 *
 * @returns True when an earlier probe was written with another secret.
 */
async function writeProbe(store: TokenStore): Promise<boolean> {
  let expectedVersion = 0;
  let hasOtherSecret = false;
  try {
    expectedVersion = (await store.read(SECRET_PROBE))?.version ?? 0;
  } catch (error) {
    if (Object(error).code !== "store_corrupt") throw error;
    hasOtherSecret = true;
    await store.delete(SECRET_PROBE);
  }
  // If another portal has just written it, that does as well.
  await store.write(SECRET_PROBE, "1", { expectedVersion });
  return hasOtherSecret;
}
