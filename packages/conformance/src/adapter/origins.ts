import { answers } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { type Subject, setStage } from "./stage.js";

/** Addresses that look like the gateway's `http://127.0.0.1:port` but have another origin. */
const lookAlikes: readonly [name: string, address: (port: string) => string][] = [
  ["another name of the same host", (port) => `http://localhost:${port}/echo`],
  ["the gateway as the user of another host", (port) => `http://127.0.0.1:${port}@localhost:${port}/echo`],
  ["the gateway as a sub-domain of another host", (port) => `http://127.0.0.1.localhost:${port}/echo`],
  ["the gateway in the fragment", (port) => `http://localhost:${port}/echo#@127.0.0.1:${port}/`],
  ["the gateway in the query", (port) => `http://localhost:${port}/echo?http://127.0.0.1:${port}/`],
  ["backslashes for slashes", (port) => `http:\\\\localhost:${port}\\@127.0.0.1:${port}/echo`],
  ["another scheme", (port) => `https://127.0.0.1:${port}/echo`],
  ["another port, of which the gateway's is a part", (port) => `http://127.0.0.1:${port.slice(0, 4)}/echo`],
];

/** The token goes only to the gateway and to `origins`; other requests pass untouched. */
export function describeOrigins(subject: Subject): void {
  it("sends a request to another origin untouched, and asks for no token", async () => {
    await using stage = await setStage(subject);
    const response = await stage.send({
      url: `${stage.otherApi}/users`,
      method: "POST",
      headers: { "x-trace": "1" },
      body: { kind: "string", value: "as it is" },
    });
    expect(response.status).toBe(401);
    expect(JSON.parse(await response.text())).toMatchObject({ message: "Unauthorized" });
    expect(stage.apiRequests).toMatchObject([
      { region: "eu", method: "POST", text: "as it is", headers: { "x-trace": "1" } },
    ]);
    expect(stage.withToken()).toEqual([]);
    expect(stage.tokenRequests).toBe(0);
  });

  it.each(lookAlikes)("sends no token to an address with %s", async (_, address) => {
    await using stage = await setStage(subject);
    // Nothing answers at some of these addresses, so the call may reject.
    await Promise.allSettled([stage.send({ url: address(new URL(stage.api).port) })]);
    expect(stage.withToken()).toEqual([]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("sends no token to the host of a URL that begins with two slashes", async () => {
    await using stage = await setStage(subject);
    await Promise.allSettled([stage.send({ url: `//${new URL(stage.otherApi).host}/echo` })]);
    expect(stage.withToken()).toEqual([]);
    expect(stage.tokenRequests).toBe(0);
  });

  const { keepsUrlUsers } = subject.capabilities;

  it(
    keepsUrlUsers
      ? "sends no token with a URL that names a user, since that is an Authorization of the caller's own"
      : "sends the token, and no user, with a URL that names one",
    async () => {
      await using stage = await setStage(subject);
      const { host } = new URL(stage.api);
      await Promise.allSettled([
        stage.send({ url: `http://user:word@${host}/echo` }),
        stage.send({ url: `http://user@${host}/echo` }),
      ]);
      const { length } = stage.withToken();
      expect([length, stage.tokenRequests]).toEqual(keepsUrlUsers ? [0, 0] : [2, 1]);
      if (keepsUrlUsers) return;
      const basic = stage.apiRequests.filter(({ headers }) => headers["authorization"]?.startsWith("Basic"));
      expect(basic).toEqual([]);
    },
  );

  it("sends the token to an origin in `origins`", async () => {
    await using stage = await setStage(subject, (talkdesk) => ({
      origins: [talkdesk.endpoints("acme", "eu").api],
    }));
    stage.talkdesk.faults.add({ at: "api", match: { region: "eu" }, respond: answers.json({ of: "eu" }) });
    const response = await stage.send({ url: `${stage.otherApi}/anything` });
    expect(JSON.parse(await response.text())).toEqual({ of: "eu" });
    await stage.send({ url: `${stage.api}/users` });
    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests).toMatchObject([
      { region: "eu", headers: { authorization } },
      { region: "us", headers: { authorization } },
    ]);
  });

  it("sends a request to the token endpoint untouched, even with its origin in `origins`", async () => {
    await using stage = await setStage(subject, (talkdesk) => ({
      origins: [new URL(talkdesk.endpoints().token).origin],
    }));
    const { token } = stage.talkdesk.endpoints();
    for (const url of [token, `${token}?again=1`]) {
      const { status } = await stage.send({ url, method: "POST" });
      expect(status).toBeGreaterThanOrEqual(400);
    }
    expect(stage.talkdesk.requests.all).toHaveLength(2);
    expect(stage.withToken()).toEqual([]);

    // Other paths of that origin have the token.
    await stage.send({ url: stage.talkdesk.endpoints().jwks });
    expect(stage.withToken()).toMatchObject([{ to: "jwks" }]);
  });
}
