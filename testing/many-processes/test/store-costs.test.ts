import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  clientCredentials,
  clientSecretBasic,
  requestToken,
  type TalkdeskClient,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CountedStore, countedStore } from "../src/counted-store.js";
import { openStore, type StorePlace } from "../src/open-store.js";
import { makeRunFolder } from "../src/run-folder.js";

const REDIRECT_URI = "https://app.example/callback";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk?.stop());

/** The numbers of calls and of token requests, in the rows of the table in the documentation. */
function documentedCosts(): Readonly<Record<string, readonly number[]>> {
  const page = readFileSync(new URL("../../../docs/many-processes.md", import.meta.url), "utf8");
  const [, rest = ""] = page.split("\n## What a store costs\n");
  const [section = ""] = rest.split("\n## ");
  const rows = section.matchAll(/^\| (.+?) +\| +(\d+) \| +(\d+) \|$/gm);
  return Object.fromEntries(
    [...rows].map(([, name = "", calls, requests]) => [name, [Number(calls), Number(requests)]]),
  );
}

interface Cost {
  readonly calls: number;
  readonly requests: number;
}

async function costOf(counted: CountedStore, work: () => Promise<unknown>): Promise<Cost> {
  counted.takeCount();
  const before = talkdesk.requests.to("token").length;
  await work();
  return { calls: counted.takeCount(), requests: talkdesk.requests.to("token").length - before };
}

function clientOf({ clientId, clientSecret } = talkdesk.clients.get()): TalkdeskClient {
  const authentication = clientSecretBasic({ clientId, clientSecret });
  return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication });
}

/** What each kind of call costs, by the rows of the documentation. */
async function measureCosts(place: StorePlace): Promise<Readonly<Record<string, Cost>>> {
  const opened = await openStore(place);
  const counted = countedStore(opened.store);
  const { store } = counted;
  try {
    const [first, second] = [1, 2].map(() => clientCredentials(clientOf(), { store, key: "program" }));
    const cold = await costOf(counted, async () => first?.getToken());
    const warm = await costOf(counted, async () => first?.getToken());
    const shared = await costOf(counted, async () => second?.getToken());

    const registered = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
    const { clientId } = registered;
    const scope = "openid refresh_token";
    const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI, scope });
    const client = clientOf(registered);
    const token = await requestToken(client, {
      grant_type: "authorization_code",
      code,
      redirect_uri: REDIRECT_URI,
    });
    const session = userSession(client, { store, key: "user" });
    await session.start(token);
    const refreshed = await costOf(counted, () => session.getToken({ rejected: token }));
    const warmSession = await costOf(counted, () => session.getToken());
    expect(warmSession).toEqual(warm);
    return {
      "a token is held and not due: nearly every call": warm,
      "a process starts, or its token is due, and another has renewed": shared,
      "nobody has renewed a program's token": cold,
      "nobody has renewed a user's session": refreshed,
    };
  } finally {
    await opened.close();
  }
}

const listed = (costs: Readonly<Record<string, Cost>>): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(Object.entries(costs).map(([name, { calls, requests }]) => [name, [calls, requests]]));

describe("what a store costs", () => {
  it("is as documented, with a SQLite file", async () => {
    using folder = makeRunFolder();
    const file = join(folder.path, "tokens.db");
    expect(listed(await measureCosts({ kind: "sqlite", driver: "libsql", file }))).toEqual(documentedCosts());
  });

  it.skipIf(findRedisServer() === undefined)("is one script for each call, with a Redis server", async () => {
    await using server = await startRedisServer();
    const place = { kind: "redis", client: "redis", url: server.url } as const;
    // The server learns the scripts, each by one call more.
    await measureCosts(place);
    await server.command("FLUSHDB");
    const scripts = async (): Promise<number> => {
      const stats = String(await server.command("INFO", "commandstats"));
      return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce(
        (sum, [, calls]) => sum + Number(calls),
        0,
      );
    };
    const before = await scripts();
    const costs = await measureCosts(place);
    expect(listed(costs)).toEqual(documentedCosts());
    // Storing the login takes three calls: it is read, written, and read again.
    const LOGIN_CALLS = 3;
    const counted = Object.values(costs).reduce((sum, { calls }) => sum + calls, LOGIN_CALLS);
    expect((await scripts()) - before).toBe(counted);
  });
});
