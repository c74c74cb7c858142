import { randomUUID } from "node:crypto";
import { link, rm, writeFile } from "node:fs/promises";

/**
 * Creates a file that only this user can read. It appears with its whole text, however the process ends, and replaces none
 * that another process has created.
 *
 * @returns False when the file was there already.
 */
export async function createFile(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600, flush: true });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (Object(error).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft);
  }
}
