import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const script = `
import { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";
import { talkdeskLogin } from "@talkdesk-oauth/express";

const redirectUri = "https://app.example.com/auth/callback";
const login = talkdeskLogin({
  client: talkdeskClient({ account: "acme", region: "us", authentication: clientSecretBasic({ clientId: "i", clientSecret: "s" }) }),
  redirectUri,
  store: { ...memoryStore(), read: () => new Promise(() => {}) },
  contact: "help@example.com",
});
const signIn = { key: "k".repeat(43) };
const talkdeskLogins = { [Buffer.from(redirectUri).toString("base64url")]: { pending: [], signIn } };
const source = await login.source({ session: { talkdeskLogins, regenerate() {}, save() {}, destroy() {} } });
console.log("a source:", source !== undefined);
`;

it("a script of its own gets a user's source although the store of tokens hangs, and ends by itself", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--conditions=@talkdesk-oauth/source",
      "--import",
      new URL("support/typescript-hooks.mjs", import.meta.url).href,
      "--input-type=module",
      "--eval",
      script,
    ],
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );
  expect(stdout).toBe("a source: true\n");
}, 60_000);
