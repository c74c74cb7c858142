import { request as send } from "node:http";
import { printableText } from "../base/printable-text.js";

/** The login to go through; the client is a registered one. */
export interface BrowserLogin {
  readonly authorizeUrl: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope?: string;
  readonly state?: string;
  readonly nonce?: string;
  /** The id or e-mail address of the user. */
  readonly user?: string;
  readonly codeChallenge?: string;
}

/** What comes back to the application. */
export interface BrowserLoginResult {
  readonly code: string;
  /** Absent when none was sent. */
  readonly state?: string;
  /** The whole URL that the browser is sent to. */
  readonly callback: string;
}

/**
 * Goes through a login as a browser does, up to the redirect to the application, which is not followed.
 *
 * @throws Error when the authorize endpoint refuses, with its answer in the message.
 */
export async function browserLogin(login: BrowserLogin): Promise<BrowserLoginResult> {
  const url = new URL(login.authorizeUrl);
  const parameters = {
    response_type: "code",
    client_id: login.clientId,
    redirect_uri: login.redirectUri,
    scope: login.scope,
    state: login.state,
    nonce: login.nonce,
    login_hint: login.user,
    ...(login.codeChallenge !== undefined && {
      code_challenge: login.codeChallenge,
      code_challenge_method: "S256",
    }),
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }

  let { location, text } = await visit(url);
  // A page to choose on: the first one on it, since a user who is named is signed in without it.
  const [, first] = /<button name="user" value="([^"]+)"/.exec(text) ?? [];
  if (location === undefined && first !== undefined) ({ location, text } = await visit(url, { user: first }));
  if (location === undefined) throw new Error(`the authorize endpoint refused: ${printableText(text)}`);
  const answered = new URL(location).searchParams;
  const code = answered.get("code");
  if (code === null) {
    throw new Error(`the login failed: ${answered.get("error")} (${answered.get("error_description")})`);
  }
  const state = answered.get("state");
  return { code, ...(state !== null && { state }), callback: location };
}

// Not fetch: tests replace it, and this request is not theirs.
function visit(
  url: URL,
  form?: Readonly<Record<string, string>>,
): Promise<{ readonly location: string | undefined; readonly text: string }> {
  const options =
    form === undefined
      ? { agent: false as const }
      : {
          agent: false as const,
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
        };
  return new Promise((resolve, reject) => {
    send(url, options, (response) => {
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ location: response.headers.location, text: Buffer.concat(chunks).toString("utf8") });
      });
    })
      .on("error", reject)
      .end(form && new URLSearchParams(form).toString());
  });
}
