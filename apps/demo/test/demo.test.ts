import { createServer } from "node:net";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runDemo } from "../src/demo.js";
import { REGIONS } from "../src/emulator-story.js";

interface Outcome {
  readonly code: number;
  readonly written: string;
  readonly errors: readonly string[];
}

async function run(env: Readonly<Record<string, string | undefined>>): Promise<Outcome> {
  const written: string[] = [];
  const errors: string[] = [];
  const code = await runDemo({
    env,
    write: (line) => written.push(line),
    writeError: (line) => errors.push(line),
  });
  return { code, written: written.join("\n"), errors };
}

describe("without settings", () => {
  it("shows every step against the emulator, and how each ended", async () => {
    const { code, written, errors } = await run({ PATH: "/bin" });
    expect(errors).toEqual([]);
    expect(code).toBe(0);
    const table = written.slice(written.indexOf("what happened"));
    for (const region of REGIONS) {
      expect(table).toContain(`${region}: token, GET /users`);
    }
    expect(table.match(/all 200; 1 token request\b/g)).toHaveLength(REGIONS.length + 2);
    expect(table).toMatch(/a user logs in +ID token verified; 20 calls refused, 1 refresh, all 200/);
    expect(table).toContain("opaque, lives 30 days");
    expect(table).toContain("waited 1 s as asked, then 200");
    expect(table).toContain("served at once, renewed in the background");
    expect(table).toContain("served stale, 200");
    expect(table).toContain("gate closed: token_unavailable");
    expect(Math.max(...written.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe("with settings", () => {
  let talkdesk: Awaited<ReturnType<typeof startEmulator>>;
  let env: Record<string, string>;

  beforeEach(async () => {
    talkdesk = await startEmulator();
    env = talkdesk.environment();
  });

  afterEach(() => talkdesk.stop());

  it("gets one token and reads one page", async () => {
    const { code, written } = await run(env);
    expect(code).toBe(0);
    expect(written).toMatch(/received, lives 599 s/);
    expect(written).toContain("answered 200");
    expect(talkdesk.requests.to("token")).toHaveLength(1);
    expect(talkdesk.requests.to("api").map(({ method }) => method)).toEqual(["GET"]);
    const accessToken = talkdesk.requests.to("api")[0]?.headers["authorization"]?.slice("Bearer ".length);
    expect(accessToken?.length).toBeGreaterThan(20);
    expect(written).not.toContain(accessToken);
    expect(written).not.toContain(env["TALKDESK_CLIENT_SECRET"]);
  });

  const checkOneSentence = ({ code, errors, written }: Outcome): string => {
    expect(code).toBe(1);
    expect(errors).toHaveLength(1);
    const said = `${errors[0]}${written}`;
    expect(said).not.toMatch(/\n\s+at /);
    expect(said).not.toContain(env["TALKDESK_CLIENT_SECRET"]);
    return errors[0] ?? "";
  };

  it("says what to check when the region is unknown", async () => {
    const { TALKDESK_CLIENT_ID, TALKDESK_CLIENT_SECRET } = env;
    const wrong = {
      TALKDESK_CLIENT_ID,
      TALKDESK_CLIENT_SECRET,
      TALKDESK_ACCOUNT: "acme",
      TALKDESK_REGION: "mars",
    };
    expect(checkOneSentence(await run(wrong))).toContain(`region must be one of ${REGIONS.join(", ")}`);
  });

  it("says what to check when the account name is malformed", async () => {
    const { TALKDESK_CLIENT_ID, TALKDESK_CLIENT_SECRET } = env;
    const wrong = { TALKDESK_CLIENT_ID, TALKDESK_CLIENT_SECRET, TALKDESK_ACCOUNT: "evil.example/" };
    expect(checkOneSentence(await run(wrong))).toMatch(/account must be the account's name alone/);
  });

  it("names the credential that is missing", async () => {
    expect(checkOneSentence(await run({ ...env, TALKDESK_CLIENT_SECRET: "" }))).toBe(
      "Set TALKDESK_CLIENT_SECRET (or TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY) in the environment.",
    );
  });

  it("says what to check when the host cannot be reached", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const wrong = { ...env, TALKDESK_TOKEN_URL: `http://127.0.0.1:${port}/oauth/token` };
    expect(checkOneSentence(await run(wrong))).toMatch(
      /could not be reached \(ECONNREFUSED\); check account, region/,
    );
  });

  it("says what to check when the secret is wrong", async () => {
    const wrong = { ...env, TALKDESK_CLIENT_SECRET: "wrong-secret" };
    expect(checkOneSentence(await run(wrong))).toMatch(
      /refused the client with 401 \(invalid_client\); check client id and secret/,
    );
  });
});
