import { answers } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { type Subject, setStage } from "./stage.js";

/**
 * The client follows redirects. The token is dropped at every change of origin, and a chain that has left the gateway has
 * no token when it comes back.
 */
export function describeRedirects(subject: Subject): void {
  if (!subject.capabilities.followsRedirects) {
    it("hands over a redirect", async () => {
      await using stage = await setStage(subject);
      stage.talkdesk.faults.add({ at: "api", respond: answers.redirect(`${stage.otherApi}/users`) });
      const response = await stage.send({ url: `${stage.api}/users` });
      expect(response).toMatchObject({ status: 302, headers: { location: `${stage.otherApi}/users` } });
      expect(stage.talkdesk.requests.to("api")).toHaveLength(1);
    });
    return;
  }

  it("downloads an Explore report: redirects within the gateway keep the token, and the file host gets none", async () => {
    await using stage = await setStage(subject);
    const started = await stage.send({
      url: `${stage.api}/data/reports/calls/jobs`,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: { kind: "string", value: "{}" },
    });
    const response = await stage.send({ url: started.headers["location"] ?? "" });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^call_id,/);

    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests.map(({ status, headers }) => [status, headers["authorization"]])).toEqual([
      [202, authorization],
      [303, authorization],
      [302, authorization],
    ]);
    expect(stage.talkdesk.requests.to("files")).toHaveLength(1);
    expect(stage.talkdesk.requests.to("files")[0]?.headers).not.toHaveProperty("authorization");
  });

  it.each([301, 302, 303, 307, 308])("drops the token at a %i to another gateway", async (status) => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect(`${stage.otherApi}/users`, status) });
    const response = await stage.send({ url: `${stage.api}/users` });
    expect(response.status).toBe(401);
    expect(JSON.parse(await response.text())).toMatchObject({ message: "Unauthorized" });
    expect(stage.apiRequests.map(({ region, headers }) => [region, "authorization" in headers])).toEqual([
      ["us", true],
      ["eu", false],
    ]);
    // A 401 for a request without a token says nothing about the token.
    expect(stage.tokenRequests).toBe(1);
  });

  const { hopsAreRequests, seesHops } = subject.capabilities;

  it(`${hopsAreRequests ? "has" : "drops"} the token at a redirect to an origin that may have it`, async () => {
    await using stage = await setStage(subject, (talkdesk) => ({
      origins: [talkdesk.endpoints("acme", "eu").api],
    }));
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect(`${stage.otherApi}/missing`) });
    const { status } = await stage.send({ url: `${stage.api}/users` });
    // The path exists on neither gateway, so a 404 is no refusal.
    expect(status).toBe(404);
    expect(stage.withToken().map(({ region }) => region)).toEqual(hopsAreRequests ? ["us", "eu"] : ["us"]);
    expect(stage.tokenRequests).toBe(1);
  });

  it(
    hopsAreRequests
      ? "has the token again where another origin leads back to the gateway: each hop is a request"
      : "does not send the token again where another origin leads back to the gateway",
    async () => {
      await using stage = await setStage(subject);
      const { faults } = stage.talkdesk;
      const times = Number.POSITIVE_INFINITY;
      const there = answers.redirect(`${stage.otherApi}/back`, 307);
      const back = answers.redirect(`${stage.api}/users`, 307);
      faults.add({ at: "api", match: { region: "us", path: "/there" }, times, respond: there });
      faults.add({ at: "api", match: { region: "eu", path: "/back" }, times, respond: back });
      const { status } = await stage.send({ url: `${stage.api}/there` });
      expect(status).toBe(hopsAreRequests ? 200 : 401);
      const hops = stage.apiRequests.map(({ url, headers }) => [url, "authorization" in headers]);
      expect(hops.slice(0, 3)).toEqual([
        ["/there", true],
        ["/back", false],
        ["/users", hopsAreRequests],
      ]);
      // A 401 for a request without a token says nothing about the token.
      expect(stage.tokenRequests).toBe(hopsAreRequests || seesHops ? 1 : 2);
    },
  );

  it("replaces a token that is refused after a redirect on the same gateway", async () => {
    await using stage = await setStage(subject);
    await stage.useRefusedToken();
    stage.talkdesk.faults.add({
      at: "api",
      respond: answers.redirect("/users"),
      match: { path: "/moved" },
      times: 2,
    });
    const { status } = await stage.send({ url: `${stage.api}/moved` });
    expect(status).toBe(200);
    expect(stage.tokenRequests).toBe(2);
  });

  it.each([302, 303, 307])("does not repeat a POST whose redirect, a %i, ends in a 401", async (status) => {
    await using stage = await setStage(subject);
    stage.talkdesk.faults.add({
      at: "api",
      respond: answers.redirect("/echo?status=401", status),
      match: { path: "/orders" },
      times: 2,
    });
    const response = await stage.send({
      url: `${stage.api}/orders`,
      method: "POST",
      body: { kind: "string", value: "one order" },
    });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("/echo?status=401");
    expect(stage.apiRequests.filter(({ url }) => url === "/orders")).toHaveLength(1);
  });
}
