import { inspect } from "node:util";
import { expect, it } from "vitest";
import { openLoginStage } from "./support/login-stage.js";

it("onError is told of a failed login in an error that shows no secret", async () => {
  const told: unknown[] = [];
  await using stage = await openLoginStage({
    login: {
      pkce: true,
      onError: (error, _request, response) => {
        told.push(error);
        response.status(400).end();
      },
    },
  });
  const browser = stage.browser();
  const begun = new URL((await browser.visit("/auth/login")).to ?? "").searchParams;
  const callback = await browser.toTalkdesk();
  const code = new URL(callback, stage.origin).searchParams.get("code") ?? "";
  stage.talkdesk.faults.add({
    at: "token",
    respond: {
      status: 400,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ error: "invalid_grant", error_description: `refused: ${code}` }),
    },
  });
  expect((await browser.visit(callback)).status).toBe(400);
  const [exchange] = stage.talkdesk.requests.to("token");
  const secrets = [code, begun.get("state"), begun.get("nonce"), exchange?.form.get("code_verifier")];
  expect(told).toHaveLength(1);
  const shown = inspect(told, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  expect(shown).toContain("authorization_failed");
  for (const secret of secrets) {
    expect(secret?.length).toBeGreaterThan(15);
    expect(shown).not.toContain(secret);
  }
});
