import { type Emulator, type Laxity, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, describe, expect, it } from "vitest";
import { requestCallback } from "../without/callback-secret-in-body.js";
import { startFlow } from "../without/flow-grant-in-query.js";
import { finishLogin } from "../without/login-without-secret.js";
import { countActiveUsers } from "../without/scim-bearer-service-token.js";
import { listUsers } from "../without/users-json-body.js";
import { OPERATIONS } from "./support/operations.js";

interface Settings {
  readonly tokenUrl: string;
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

let talkdesk: Emulator;
afterEach(() => talkdesk.stop());

/** What each script needs to be lenient about, and what it gives. */
const SCRIPTS: readonly [string, readonly Laxity[], (settings: Settings) => Promise<unknown>, unknown][] = [
  [
    "callback-secret-in-body",
    ["secret-in-body"],
    (settings) =>
      requestCallback(settings, {
        talkdesk_phone_number: "+12025550190",
        contact_phone_number: "+12025550191",
      }),
    200,
  ],
  [
    "flow-grant-in-query",
    ["grant-in-query"],
    (settings) => startFlow(settings, "92557c02", { to: "x" }),
    { flow: "92557c02", to: "x" },
  ],
  [
    "users-json-body",
    ["json-body", "secret-in-body"],
    async (settings) => (await listUsers(settings)).length,
    50,
  ],
  ["scim-bearer-service-token", ["bearer-service-token"], countActiveUsers, 60],
  [
    "login-without-secret",
    ["public-client"],
    async (settings) => {
      const { code } = await talkdesk.authorize();
      return finishLogin(settings, code, talkdesk.clients.get().redirectUris[0]);
    },
    expect.objectContaining({ sub: expect.any(String) }),
  ],
];

function readSettings(): Settings {
  const { token, api } = talkdesk.endpoints();
  const { clientId, clientSecret } = talkdesk.clients.get();
  return { tokenUrl: token, apiUrl: api, clientId, clientSecret };
}

describe.each(SCRIPTS)("%s", (_, laxities, run, result) => {
  it("runs unchanged, and what was lax is in the log", async () => {
    talkdesk = await startEmulator({ operations: OPERATIONS, lenient: laxities });
    expect(await run(readSettings())).toEqual(result);
    expect(new Set(talkdesk.requests.all.flatMap((request) => request.laxities))).toEqual(new Set(laxities));
  });
  it("is refused by default, with the option that would accept it", async () => {
    talkdesk = await startEmulator({ operations: OPERATIONS });
    const error = await run(readSettings()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    const { response, message } = error as Error & { response?: { data: unknown } };
    expect(JSON.stringify([message, response?.data]).replaceAll("\\", "")).toContain(
      `lenient: ["${laxities[0]}"]`,
    );
  });
});
