import { expect, it } from "vitest";
import { answers, type CannedAnswer, startEmulator } from "./support/package-under-test.js";
import { requestToken } from "./support/token-request.js";

it("answers gives the answers that tests need most", async () => {
  await using talkdesk = await startEmulator();
  const ask = async (respond: CannedAnswer) => {
    talkdesk.faults.add({ at: "token", respond });
    return requestToken(talkdesk);
  };

  const json = await ask(answers.json({ a: 1 }, 201, { "x-a": "b" }));
  expect([json.status, json.headers["x-a"], json.json]).toEqual([201, "b", { a: 1 }]);
  const oauth = await ask(answers.oauthError("invalid_grant"));
  expect([oauth.status, oauth.json.error]).toEqual([400, "invalid_grant"]);
  expect((await ask(answers.apiError(403, "0070011", "no"))).json).toEqual({
    code: "0070011",
    message: "no",
  });
  expect((await ask(answers.html())).headers["content-type"]).toBe("text/html");
  const busy = await ask(answers.tooManyRequests(7));
  expect([busy.status, busy.headers["retry-after"]]).toEqual([429, "7"]);
  const down = await ask(answers.unavailable());
  expect([down.status, down.headers["retry-after"], down.text]).toEqual([503, undefined, ""]);
  const broken = await ask(answers.malformedJson());
  expect(() => broken.json).toThrow(SyntaxError);
  expect((await ask(answers.empty(500))).text).toBe("");
  const moved = await ask(answers.redirect("https://elsewhere.example/", 307));
  expect([moved.status, moved.headers.location]).toEqual([307, "https://elsewhere.example/"]);
});
