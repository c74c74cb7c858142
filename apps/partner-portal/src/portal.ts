import { fileURLToPath } from "node:url";
import { memoryStore, type TalkdeskClient, type TokenStore } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import express, { type Express } from "express";
import type { Store } from "express-session";
import { findContacts } from "./api/contacts.js";
import { fetchOwnUser } from "./api/users.js";
import {
  describeEndedSession,
  describeLoginFailure,
  FOREIGN_FORM,
  PAGE_NOT_FOUND,
} from "./failures/describe-failure.js";
import { answerFailures, failureSender } from "./failures/send-failure.js";
import { renderContactsPage } from "./pages/contacts-page.js";
import { renderHomePage, renderWelcomePage } from "./pages/home-page.js";
import { renderProfilePage } from "./pages/profile-page.js";
import { findViewer, noteViewer } from "./pages/viewer.js";
import type { ReportWaits } from "./reports/follow-report.js";
import { reportRoutes } from "./reports/report-routes.js";
import { browserSessions, SESSION_IDLE_MS, shortenUnfinishedLogins } from "./sessions/browser-sessions.js";
import { isSignedIn } from "./sessions/is-signed-in.js";
import { limitPages } from "./sessions/limit-pages.js";
import { parseOrigin } from "./web/parse-origin.js";
import { readQuery } from "./web/read-query.js";
import { redirectToOrigin } from "./web/redirect-to-origin.js";
import { requireSameOrigin } from "./web/require-same-origin.js";
import { sendPage } from "./web/send-page.js";
import { setSecurityHeaders } from "./web/set-security-headers.js";

/** Options of {@link createPortal}. */
export interface PortalOptions {
  /** The portal's OAuth client. Its registered redirect URI is `/auth/callback` under `origin`. */
  readonly client: TalkdeskClient;
  /** The origin that browsers use, such as `https://portal.example.com`. It is never taken from a request. */
  readonly origin: string;
  /** Signs the session cookie. Of several secrets, the first signs and all are accepted. */
  readonly sessionSecret: string | readonly string[];
  /** The contact on error pages: an e-mail address or an https address. */
  readonly contact: string;
  /** Where sessions are kept; it must remove expired ones. Default: in memory. */
  readonly sessionStore?: Store;
  /** Where tokens are kept. Default: in memory. */
  readonly tokenStore?: TokenStore;
  /** How often Talkdesk is asked for a report that somebody follows. Default: after 1 s, then less often, up to every 5 s. */
  readonly reportWaits?: ReportWaits;
  /** Called with each failure for which a person got an error page. Default: failures are not reported. */
  readonly onFailure?: (error: unknown) => void;
}

const SCOPE = ["openid", "refresh_token", "contacts:read", "data-reports:read", "data-reports:write"];

/** Polite to the API: a report takes a minute or so, and half an hour is more than any report has taken. */
const DEFAULT_REPORT_WAITS: ReportWaits = { firstMs: 1_000, longestMs: 5_000, totalMs: 30 * 60_000 };

const PUBLIC_FOLDER = fileURLToPath(new URL("../public", import.meta.url));

/**
 * Makes the portal: an Express app that does not listen yet.
 *
 * @throws TypeError when an option is invalid.
 */
export function createPortal(options: PortalOptions): Express {
  const { client, contact, tokenStore = memoryStore(), onFailure = () => undefined } = options;
  const { sessionSecret, sessionStore, reportWaits = DEFAULT_REPORT_WAITS } = options;
  const origin = parseOrigin("origin", options.origin);
  const isHttps = origin.startsWith("https:");
  const sendFailure = failureSender(contact);

  const login = talkdeskLogin({
    client,
    redirectUri: `${origin}/auth/callback`,
    scope: SCOPE,
    store: tokenStore,
    contact,
    // Longer than any session: a person may spend hours on pages that need no new token.
    maxIdleMs: 3 * SESSION_IDLE_MS,
    onError(error, request, response, _next, failure) {
      onFailure(error);
      sendFailure(request, response, describeLoginFailure(error, failure));
    },
  });

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  app.use(setSecurityHeaders({ isHttps }));
  app.use(redirectToOrigin(origin));
  app.use("/static", express.static(PUBLIC_FOLDER, { index: false, redirect: false }));
  app.use(browserSessions({ secret: sessionSecret, store: sessionStore, isHttps }));
  app.use(talkdesk(login.source));
  app.use(requireSameOrigin(origin, (request, response) => sendFailure(request, response, FOREIGN_FORM)));
  app.get("/auth/login", shortenUnfinishedLogins);
  app.use("/auth", login);
  app.use(limitPages());

  app.get("/", async (request, response) => {
    if (isSignedIn(request)) {
      const user = await fetchOwnUser(request.talkdesk.fetch);
      sendPage(response, renderHomePage(noteViewer(request, user), user));
    } else {
      sendPage(response, renderWelcomePage());
    }
  });
  app.get("/profile", requireLogin(), async (request, response) => {
    const { fetch, getToken } = request.talkdesk;
    const user = await fetchOwnUser(fetch);
    const { expiresAt, scope: scopes } = await getToken();
    const secondsLeft = Math.round((expiresAt - Date.now()) / 1_000);
    sendPage(response, renderProfilePage(noteViewer(request, user), user, { secondsLeft, scopes }));
  });
  app.get("/contacts", requireLogin(), async (request, response) => {
    const text = readQuery(request, "q");
    const page = Math.max(1, Number.parseInt(readQuery(request, "page").slice(0, 6), 10) || 1);
    const found = await findContacts(request.talkdesk.fetch, { text, page });
    sendPage(response, renderContactsPage(await findViewer(request), text, found));
  });
  // A form cannot be sent again after the login, so the person goes back to the page of the form.
  app.post("/reports", (request, response, next) => {
    if (isSignedIn(request)) next();
    else sendFailure(request, response, describeEndedSession("/reports"));
  });
  app.use("/reports", requireLogin(), reportRoutes(reportWaits));

  app.use((request, response) => sendFailure(request, response, PAGE_NOT_FOUND));
  app.use(answerFailures(sendFailure, onFailure), talkdeskErrorHandler());
  return app;
}
