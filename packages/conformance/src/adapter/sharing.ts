import { accessToken, type TokenSource } from "@talkdesk-oauth/core";
import type { Emulator } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import type { AdapterStacks, PlainResponse, Send } from "./driver.js";
import { setTokenStage } from "./token-stage.js";

/** Makes a source of one token. The gateway answers its requests with the owner's name, cacheable for ten minutes. */
function makeSource(talkdesk: Emulator, owner: string): TokenSource {
  const token = accessToken({ value: `token-of-${owner}`, expiresAt: Date.now() + 600_000 });
  talkdesk.faults.add({
    at: "api",
    match: { authorization: new RegExp(owner) },
    times: Number.POSITIVE_INFINITY,
    respond: { status: 200, headers: { "cache-control": "max-age=600" }, body: `for ${owner}` },
  });
  return { api: talkdesk.endpoints().api, getToken: async () => token };
}

/** Reads a response as text. An error counts as the caller's own response: nothing was shared. */
async function readAnswer(call: Promise<PlainResponse>): Promise<string> {
  try {
    return await (await call).text();
  } catch {
    return "an error";
  }
}

/** No user gets the response of another, wherever a layer caches responses or joins requests. */
export function describeSharing(sharing: NonNullable<AdapterStacks["sharing"]>): void {
  it.each(Object.keys(sharing))("gives no user the response of another, with %s", async (name) => {
    await using stage = await setTokenStage();
    const { talkdesk, api, otherApi } = stage;
    const [alice, bob] = (sharing[name] as (typeof sharing)[string])([
      { source: makeSource(talkdesk, "alice") },
      { source: makeSource(talkdesk, "bob") },
    ]);
    try {
      const ask = (client: Send, url: string): Promise<string> => readAnswer(client({ url, headers: {} }));
      const [first, second] = await Promise.all([ask(alice, `${api}/users`), ask(bob, `${api}/users`)]);
      const third = await ask(alice, `${api}/users/me`);
      const fourth = await ask(bob, `${api}/users/me`);
      const ofAlice = [first, third];
      const ofBob = [second, fourth];
      expect(ofAlice.filter((answer) => answer !== "an error")).not.toContain("for bob");
      expect(ofBob.filter((answer) => answer !== "an error")).not.toContain("for alice");
      // At least one call was answered.
      expect([...ofAlice, ...ofBob]).toContain("for alice");

      // Requests without a token are shared, which shows that the layer works.
      const keep = { status: 200, headers: { "cache-control": "max-age=600" }, body: "for anybody" };
      talkdesk.faults.add({
        at: "api",
        match: { region: "eu" },
        times: Number.POSITIVE_INFINITY,
        respond: keep,
      });
      await Promise.all([ask(alice, `${otherApi}/users`), ask(bob, `${otherApi}/users`)]);
      await ask(alice, `${otherApi}/users`);
      await ask(bob, `${otherApi}/users`);
      expect(stage.apiRequests.filter(({ region }) => region === "eu").length).toBeLessThan(4);
    } finally {
      await alice.close?.();
      await bob.close?.();
    }
  });
}
