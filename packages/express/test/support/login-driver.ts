import type { LoginApp, LoginSetup } from "@talkdesk-oauth/conformance";
import type { TokenStore } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express, { type ErrorRequestHandler } from "express";
import session from "express-session";
import { type Framework, passing } from "./served.js";

/** Makes the app of the suite, with express-session. */
export function loginApp(framework: Framework, setup: LoginSetup): LoginApp {
  const app = framework();
  if (setup.isSecure) app.set("trust proxy", 1);
  app.use(
    session({
      name: setup.isSecure ? "__Host-app" : "app",
      secret: "a secret of the tests",
      resave: false,
      saveUninitialized: false,
      store: new SessionStore(setup.sessions),
      cookie: { httpOnly: true, sameSite: "lax", secure: setup.isSecure, path: "/" },
    }),
  );
  app.use(express.urlencoded({ extended: true }));
  const logins = setup.logins.map(({ options }) => talkdeskLogin(options));
  const [first] = logins;
  if (first === undefined) throw new Error("The suite has no login.");
  app.use(talkdesk(first.source));
  for (const [at, login] of logins.entries()) app.use(setup.logins[at]?.mount || "/", login);
  for (const { path, isProtected, answer } of setup.pages) {
    app.all(
      path,
      ...(isProtected ? [requireLogin({ login: setup.login })] : []),
      passing(async (request, response) => {
        const { status, body } = await answer({
          talkdesk: request.talkdesk,
          user: async (login) => logins[login]?.user(request),
          data: request.session as unknown as Record<string, unknown>,
        });
        response.status(status).json(body);
      }),
    );
  }
  app.use(talkdeskErrorHandler({ login: setup.login }));
  app.use(((error, _request, response, next) => {
    setup.unanswered(error);
    if (response.headersSent) next(error);
    else response.status(500).send("unanswered");
  }) satisfies ErrorRequestHandler);
  return {
    listener: app,
    parts: [...logins, talkdesk(first.source), requireLogin(), talkdeskErrorHandler()],
  };
}

/** Keeps the sessions of express-session in a token store. */
class SessionStore extends session.Store {
  readonly #records: TokenStore;

  constructor(records: TokenStore) {
    super();
    this.#records = records;
  }

  override get(id: string, callback: (error: unknown, found?: session.SessionData | null) => void): void {
    this.#records
      .read(id)
      .then((found) => (found === undefined ? null : JSON.parse(found.value)))
      .then((found) => callback(null, found), callback);
  }

  override set(id: string, data: session.SessionData, callback: (error?: unknown) => void = () => {}): void {
    this.#put(id, JSON.stringify(data)).then(() => callback(), callback);
  }

  override destroy(id: string, callback: (error?: unknown) => void = () => {}): void {
    this.#records.delete(id).then(() => callback(), callback);
  }

  /** The last one to write wins, as in the stores of express-session. */
  async #put(id: string, value: string): Promise<void> {
    let version: number | undefined;
    while (version === undefined) {
      const found = await this.#records.read(id);
      version = await this.#records.write(id, value, { expectedVersion: found?.version ?? 0 });
    }
  }
}
