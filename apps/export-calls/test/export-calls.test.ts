import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { downloadServedFile, listGatewayCalls, type Workplace, workplace } from "./support/workplace.js";

let talkdesk: Emulator;
let place: Workplace;
beforeEach(async () => {
  talkdesk = await startEmulator({ reportRows: 2_000 });
  place = await workplace(talkdesk.environment());
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await talkdesk.stop();
});

describe("a whole run", () => {
  it("writes what the files host serves, and leaves no other file", async () => {
    const { code, complaints, lines } = await place.run(["--from", "2026-01-01", "--to", "2026-01-31"]);
    expect(complaints).toEqual([]);
    expect(code).toBe(0);
    expect(await place.files()).toEqual(["calls.csv"]);
    // Calls name people.
    expect((await place.mode()) & 0o777).toBe(0o600);
    expect((await place.read()).equals(await downloadServedFile(talkdesk))).toBe(true);
    expect(lines.join("\n")).toContain("calls.csv is complete: 46");
    expect(JSON.parse(talkdesk.requests.to("api")[0]?.text ?? "")).toEqual({
      name: "calls",
      format: "csv",
      timezone: "UTC",
      timespan: { from: "2026-01-01T00:00:00.000Z", to: "2026-02-01T00:00:00.000Z" },
    });
    expect(listGatewayCalls(talkdesk)).toEqual([
      "POST /data/reports/calls/jobs 202",
      "GET /data/reports/calls/jobs/ID 200",
      "GET /data/reports/calls/jobs/ID 200",
      "GET /data/reports/calls/jobs/ID 303",
      "GET /data/reports/calls/files/ID 302",
      "DELETE /data/reports/calls/jobs/ID 204",
    ]);
  });

  it("sends the token to the gateway, and to no other host", async () => {
    await place.run();
    for (const { headers } of talkdesk.requests.to("api")) {
      expect(headers["authorization"]).toMatch(/^Bearer /);
    }
    expect(talkdesk.requests.to("files").map(({ status }) => status)).toEqual([200]);
    for (const { headers } of talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
    }
    expect(talkdesk.requests.to("token").map(({ form }) => form.get("scope"))).toEqual([
      "data-reports:read data-reports:write",
    ]);
  });

  it("prints no secret, no token and no signed address", async () => {
    const { lines } = await place.run();
    const said = lines.join("\n");
    const token = talkdesk.requests.to("api")[0]?.headers["authorization"]?.slice("Bearer ".length) ?? "";
    expect(token.length).toBeGreaterThan(20);
    expect(said).not.toContain(token);
    expect(said).not.toContain(talkdesk.clients.get().clientSecret);
    expect(said).not.toContain("signature");
  });

  it("replaces an existing file only when the new one is complete", async () => {
    await place.run();
    const first = await place.read();
    talkdesk.faults.add({ at: "files", truncate: 100, times: Number.POSITIVE_INFINITY });
    expect((await place.run()).code).toBe(1);
    expect((await place.read()).equals(first)).toBe(true);
    talkdesk.faults.clear();
    expect((await place.run(["--from", "2025-01-01"])).code).toBe(0);
    expect((await place.read()).equals(first)).toBe(false);
  });

  it("succeeds also when the report cannot be deleted", async () => {
    talkdesk.faults.add({ at: "api", match: { method: "DELETE" }, respond: { status: 405 } });
    const { code, lines } = await place.run();
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("The report could not be deleted at Talkdesk (405).");
  });

  it.each([
    [0, "GET /data/reports/calls/jobs/ID 401"],
    [2, "GET /data/reports/calls/files/ID 401"],
  ])("survives a revocation of its tokens during wait %i: %s", async (wait, refused) => {
    talkdesk.faults.add({ at: "files", reset: "body" });
    const { code } = await place.run([], {
      onWait: (index) => index === wait && talkdesk.faults.revokeTokens(),
    });
    expect(code).toBe(0);
    expect(listGatewayCalls(talkdesk).filter((call) => call.endsWith(" 401"))).toEqual([refused]);
    expect(talkdesk.requests.to("token")).toHaveLength(2);
    expect((await place.read()).equals(await downloadServedFile(talkdesk))).toBe(true);
  });
});

describe("without settings", () => {
  it("starts an emulator, which cuts the first connection", async () => {
    await using own = await workplace({ PATH: "/bin" });
    const { code, lines, complaints } = await own.run();
    expect(complaints).toEqual([]);
    expect(code).toBe(0);
    expect(lines.join("\n")).toMatch(
      /Interrupted: .*\n.*Downloading the rest from [\s\S]*is complete: 15\.\d MB/,
    );
    const csv = (await own.read()).toString("utf8");
    expect(csv.match(/\n/g)).toHaveLength(65_001);
    expect(await own.files()).toEqual(["calls.csv"]);
  });
});

describe("one sentence and exit code 1", () => {
  async function sentence(env: Record<string, string>, args: readonly string[] = []): Promise<string> {
    await using other = await workplace(env);
    const { code, complaints, lines } = await other.run(args);
    expect(code).toBe(1);
    expect(complaints).toHaveLength(1);
    const said = [...complaints, ...lines].join("\n");
    expect(said).not.toMatch(/\n\s+at /);
    expect(said).not.toContain(talkdesk.clients.get().clientSecret);
    expect(await other.files()).toEqual([]);
    return complaints[0] ?? "";
  }

  it("follow a wrong secret", async () => {
    const env = { ...talkdesk.environment(), TALKDESK_CLIENT_SECRET: "wrong-secret" };
    expect(await sentence(env)).toMatch(
      /refused the client with 401 \(invalid_client\); check client id and secret/,
    );
  });

  it("follow a missing setting", async () => {
    const env = { ...talkdesk.environment(), TALKDESK_CLIENT_SECRET: "" };
    expect(await sentence(env)).toBe(
      "Set TALKDESK_CLIENT_SECRET (or TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY) in the environment.",
    );
  });

  it("follow an unreachable gateway", async () => {
    const closed = await startEmulator();
    const { api } = closed.endpoints();
    await closed.stop();
    expect(await sentence({ ...talkdesk.environment(), TALKDESK_API_URL: api })).toBe(
      "Talkdesk could not be reached (ECONNREFUSED).",
    );
  });

  it("follow a missing scope", async () => {
    talkdesk.faults.add({
      at: "api",
      respond: { status: 403, body: '{"code":"0070011"}', headers: { "content-type": "application/json" } },
    });
    expect(await sentence(talkdesk.environment())).toBe(
      "Talkdesk answered the request for a report with 403 (code 0070011); the client needs the scopes data-reports:read and data-reports:write.",
    );
  });

  it("follow a missing folder, before any request", async () => {
    expect(await sentence(talkdesk.environment(), ["--out", "/nowhere/calls.csv"])).toBe(
      "There is no folder /nowhere.",
    );
    expect(await sentence(talkdesk.environment(), ["--out", "/tmp"])).toBe(
      "/tmp is a folder; --out must be the name of a file.",
    );
    expect(talkdesk.requests.all).toEqual([]);
  });
});
