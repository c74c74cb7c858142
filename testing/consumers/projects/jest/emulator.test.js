// Jest's default: CommonJS, without --experimental-vm-modules.
const { answers, startEmulator } = require("@talkdesk-oauth/emulator");

let talkdesk;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

/** Sends a form to the token endpoint, as the default client. */
async function ask(form) {
  const { clientId, clientSecret } = talkdesk.clients.get();
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  const body = new URLSearchParams(form);
  const answer = await fetch(talkdesk.endpoints().token, {
    method: "POST",
    headers: { authorization },
    body,
  });
  return answer.json();
}

test("an emulator that is started in a test logs users in, and ends a login whose refresh token is used twice", async () => {
  const { code, callback } = await talkdesk.authorize({ scope: "openid refresh_token", nonce: "n-1" });
  const [redirectUri] = callback.split("?");
  const first = await ask({ grant_type: "authorization_code", code, redirect_uri: redirectUri });
  const claims = JSON.parse(Buffer.from(first.id_token.split(".")[1], "base64url").toString());
  expect(claims.nonce).toBe("n-1");
  const second = await ask({ grant_type: "refresh_token", refresh_token: first.refresh_token });
  for (const { refresh_token } of [first, second]) {
    expect((await ask({ grant_type: "refresh_token", refresh_token })).error).toBe("invalid_grant");
  }
});

test("an emulator that is started in a test misbehaves as it is told", async () => {
  talkdesk.faults.add({
    at: "token",
    match: { path: /token$/ },
    respond: answers.oauthError("invalid_client"),
  });
  expect((await ask({ grant_type: "client_credentials" })).error).toBe("invalid_client");
  talkdesk.faults.add({ at: "token", patch: { expires_in: "60" } });
  expect((await ask({ grant_type: "client_credentials" })).expires_in).toBe("60");
  await expect(startEmulator({ port: -1 })).rejects.toThrow(TypeError);
});
