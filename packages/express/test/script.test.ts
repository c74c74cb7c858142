import { scriptFolder } from "@talkdesk-oauth/fixtures/script-folder";
import { expect, it } from "vitest";

const script = `
import { clientSecretBasic, memoryStore, talkdeskClient } from "./core.js";
import { talkdeskLogin } from "./index.js";

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

it("a script gets a user's source although the token store hangs, and then exits", async () => {
  using folder = scriptFolder(new URL("../", import.meta.url));
  const { code, lines, stderr } = await folder.start(script).end;
  expect([code, lines, stderr]).toEqual([0, ["a source: true"], ""]);
}, 60_000);
