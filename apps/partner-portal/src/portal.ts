import { fileURLToPath } from "node:url";
import { isTalkdeskError, memoryStore, type TalkdeskClient, type TokenStore } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import type { Store } from "express-session";
import { browserSessions, sessionIdleMs, shortenForLogin } from "./browser-sessions.js";
import { checkedOrigin } from "./checked-origin.js";
import { findContacts } from "./contacts.js";
import {
  type AnsweredFailure,
  failureOf,
  failureOfLogin,
  foreignForm,
  nothingHere,
  sessionEnded,
} from "./failure-of.js";
import type { ReportWaits } from "./follow-report.js";
import { oneName } from "./one-name.js";
import { contactsPage } from "./pages/contacts-page.js";
import { failurePage } from "./pages/failure-page.js";
import { homePage, welcomePage } from "./pages/home-page.js";
import { profilePage } from "./pages/profile-page.js";
import { reasonOf } from "./reason-of.js";
import { reportRoutes } from "./report-routes.js";
import { returnPath } from "./return-path.js";
import { sameOrigin } from "./same-origin.js";
import { securityHeaders } from "./security-headers.js";
import { queryText, sendPage } from "./send-page.js";
import { takeTurns } from "./session-limits.js";
import { ownUser } from "./users.js";

/** What the portal is made of. */
export interface PortalOptions {
  /** Who the portal is to Talkdesk. `/auth/callback` under `origin` is registered there as its redirect URI. */
  readonly client: TalkdeskClient;
  /** Where browsers find the portal, such as `https://portal.example.com`; never taken from a request. */
  readonly origin: string;
  /** Signs the session's cookie. Of several, the first signs and all are accepted. */
  readonly sessionSecret: string | readonly string[];
  /** The contact to show when something fails: an e-mail address, or an https address. */
  readonly contact: string;
  /** Where sessions live; it must remove those that have expired. Default: in memory. */
  readonly sessionStore?: Store;
  /** Where tokens live. Default: in memory. */
  readonly tokenStore?: TokenStore;
  /** How often Talkdesk is asked for a report that somebody watches. Default: after 1 s, then less and less, to 5 s. */
  readonly reportWaits?: ReportWaits;
  /** Told of each failure that a person was shown. Default: nobody is. */
  readonly onFailure?: (error: unknown) => void;
}

const scope = ["openid", "refresh_token", "contacts:read", "data-reports:read", "data-reports:write"];

const publicFolder = fileURLToPath(new URL("../public", import.meta.url));

/**
 * Makes the portal: an Express app that is not listening yet.
 *
 * @throws TypeError when an option cannot be used.
 */
export function createPortal(options: PortalOptions): Express {
  const { client, contact, tokenStore = memoryStore(), onFailure } = options;
  const origin = checkedOrigin("origin", options.origin);
  const isHttps = origin.startsWith("https:");
  const waits = options.reportWaits ?? { firstMs: 1_000, longestMs: 5_000, totalMs: 30 * 60_000 };

  const show = (request: Request, response: Response, failure: AnsweredFailure): void => {
    const { status, retryAfterSeconds } = failure;
    if (retryAfterSeconds !== undefined) response.set("Retry-After", String(retryAfterSeconds));
    sendPage(response, failurePage(failure, contact, isSignedIn(request) && status !== 401), status);
  };

  const login = talkdeskLogin({
    client,
    redirectUri: `${origin}/auth/callback`,
    scope,
    store: tokenStore,
    contact,
    // Longer than any session: a person may read pages for hours that need no new token.
    maxIdleMs: 3 * sessionIdleMs,
    onError(error, request, response) {
      onFailure?.(error);
      show(request, response, failureOfLogin(error));
    },
  });

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  app.use(securityHeaders({ isHttps }));
  app.use(oneName(origin));
  app.use("/static", express.static(publicFolder, { index: false, redirect: false }));
  app.use(browserSessions({ secret: options.sessionSecret, store: options.sessionStore, isHttps }));
  app.use(talkdesk(login.source));
  app.use(sameOrigin(origin, (request, response) => show(request, response, foreignForm)));
  app.get("/auth/login", shortenForLogin(isSignedIn));
  app.use("/auth", login);
  // Those that go on for long have limits of their own.
  app.use(oneTurn());

  app.get("/", async (request, response) => {
    sendPage(response, isSignedIn(request) ? homePage(await ownUser(request.talkdesk.fetch)) : welcomePage());
  });
  app.get("/profile", requireLogin(), async ({ talkdesk: { fetch, getToken } }, response) => {
    const user = await ownUser(fetch);
    const { expiresAt, scope: scopes } = await getToken();
    const secondsLeft = Math.round((expiresAt - Date.now()) / 1_000);
    sendPage(response, profilePage(user, { secondsLeft, scopes }));
  });
  app.get("/contacts", requireLogin(), async (request, response) => {
    const text = queryText(request, "q");
    const page = Math.max(1, Number.parseInt(queryText(request, "page").slice(0, 6), 10) || 1);
    sendPage(response, contactsPage(text, await findContacts(request.talkdesk.fetch, { text, page })));
  });
  // A form cannot be sent on to the login; its page can be come back to.
  app.post("/reports", (request, response, next) => {
    if (isSignedIn(request)) next();
    else show(request, response, sessionEnded("/reports"));
  });
  app.use("/reports", requireLogin(), reportRoutes(waits));

  app.use((request, response) => show(request, response, nothingHere));
  const showFailure: ErrorRequestHandler = async (thrown, request, response, next) => {
    // Nobody waits for the answer.
    if (response.closed && !response.writableEnded) return;
    const error = await reasonOf(thrown, request.talkdesk);
    onFailure?.(error);
    // The session could not be stored, and the answer is on its way: it had better arrive.
    if (response.writableEnded) return;
    // What follows a report is no page: it gets problem details.
    const isForProgram = isTalkdeskError(error) && !request.accepts("html");
    if (response.headersSent || isForProgram) next(error);
    else show(request, response, failureOf(error, returnPath(request), Date.now()));
  };
  app.use(showFailure, talkdeskErrorHandler());
  return app;
}

/** Has what one person asks for at the same time wait for its turn: each page is a call of Talkdesk's API. */
function oneTurn(): RequestHandler {
  const turn = takeTurns("pages", { atOnce: 10, waiting: 200 });
  return async (request, response, next) => {
    if (!isSignedIn(request) || /^\/reports\/[^/]+\/(?:events|file)$/.test(request.path)) return next();
    const leaving = new AbortController();
    response.once("close", () => leaving.abort());
    try {
      const leave = await turn(request.sessionID, leaving.signal);
      if (response.closed) leave();
      else response.once("close", leave);
    } catch (error) {
      // Nobody waits for the answer any more.
      if (leaving.signal.aborted) return;
      throw error;
    }
    next();
  };
}

function isSignedIn(request: Request): boolean {
  return Boolean(request.talkdesk);
}
