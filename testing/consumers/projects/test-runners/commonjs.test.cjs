const assert = require("node:assert/strict");
const { isTalkdeskError } = require("@talkdesk-oauth/core");
const { answers, startEmulator } = require("@talkdesk-oauth/emulator");
const { countUsers } = require("./users.cjs");

it("counts the users of an emulator, and tells of a refusal", async () => {
  const talkdesk = await startEmulator();
  try {
    assert.ok((await countUsers(talkdesk.environment())) > 0);
    talkdesk.faults.add({ at: "token", respond: answers.oauthError("invalid_client") });
    const error = await countUsers(talkdesk.environment()).catch((reason) => reason);
    assert.ok(isTalkdeskError(error) && error instanceof Error);
    assert.equal(error.code, "client_refused");
  } finally {
    await talkdesk.stop();
  }
});
