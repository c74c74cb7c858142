import { request } from "node:http";
import { request as requestSecurely } from "node:https";
import { toPrintable } from "../base/printable-text.js";

/** A login to go through. */
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
  /** The certificate to trust, as PEM, for an authorize URL with TLS. */
  readonly ca?: string;
}

/** The result of a login. */
export interface BrowserLoginResult {
  /** The authorization code, for one exchange. */
  readonly code: string;
  /** Absent when the request had none. */
  readonly state?: string;
  /** The URL that the browser is redirected to, with all its parameters. */
  readonly callback: string;
}

/**
 * Goes through a login as a browser does, up to the redirect to the application, which it does not follow.
 *
 * @throws Error (rejection) when the authorize endpoint refuses. The message has its answer.
 */
export async function logInAsBrowser(login: BrowserLogin): Promise<BrowserLoginResult> {
  const url = new URL(login.authorizeUrl);
  const parameters = {
    response_type: "code",
    client_id: login.clientId,
    redirect_uri: login.redirectUri,
    scope: login.scope,
    state: login.state,
    nonce: login.nonce,
    login_hint: login.user,
    code_challenge: login.codeChallenge,
    code_challenge_method: login.codeChallenge === undefined ? undefined : "S256",
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }

  let { location, text } = await visit(url, login.ca);
  // A login page: choose the first user on it. A login with a user gets no page, because it has a login_hint.
  const [, firstUser] = /<button name="user" value="([^"]+)"/.exec(text) ?? [];
  if (location === undefined && firstUser !== undefined) {
    ({ location, text } = await visit(url, login.ca, { user: firstUser }));
  }
  if (location === undefined)
    throw new Error(`The authorize endpoint refused the login: ${toPrintable(text)}`);
  const answered = new URL(location).searchParams;
  const code = answered.get("code");
  if (code === null) {
    throw new Error(`The login failed: ${answered.get("error")} (${answered.get("error_description")})`);
  }
  const state = answered.get("state");
  return { code, ...(state !== null && { state }), callback: location };
}

// Not fetch: tests may have replaced it.
function visit(
  url: URL,
  ca: string | undefined,
  form?: Readonly<Record<string, string>>,
): Promise<{ readonly location: string | undefined; readonly text: string }> {
  const send = url.protocol === "https:" ? requestSecurely : request;
  const options = {
    agent: false as const,
    ca,
    ...(form !== undefined && {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
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
