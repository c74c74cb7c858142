import type { IncomingMessage, ServerResponse } from "node:http";
import type { LoginDriver } from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import {
  errorAnswer,
  LoginFailure,
  loginRequired,
  readRequestFacts,
  requestTalkdesk,
  storedSession,
  talkdeskLogin,
} from "@talkdesk-oauth/login";
import { sendWebResponse, toWebRequest } from "./web-exchange.js";

/** An app on `node:http`, without a web framework. */
export const nodeDriver: LoginDriver = ({ logins, login: loginAddress, sessions, isSecure, ...app }) => {
  const mounted = logins.map(({ mount, options }) => ({
    mount,
    login: talkdeskLogin<IncomingMessage>(options),
  }));
  const openSession = storedSession({ store: sessions, secure: isSecure });
  const { origin } = new URL(logins[0].options.redirectUri);

  async function answer(received: IncomingMessage, response: ServerResponse): Promise<Response> {
    const request = toWebRequest(received, origin);
    const { session, commit } = openSession(request);
    const facts = { ...readRequestFacts(request), login: loginAddress, session };
    try {
      for (const { mount, login } of mounted) {
        const visit = { request, mount, session, host: received, isGone: () => response.closed };
        const answered = await login.handle(visit);
        if (answered !== undefined) return commit(answered);
      }
      const source = await mounted[0]?.login.source(session, received);
      const page = app.pages.find(({ path }) => path === new URL(request.url).pathname);
      if (page === undefined) return new Response(null, { status: 404 });
      if (page.isProtected && source === undefined) return loginRequired(facts);
      const { status, body } = await page.answer({
        talkdesk: source && requestTalkdesk(source, response, talkdeskFetch),
        user: async (at) => mounted[at]?.login.user(session),
      });
      return Response.json(body, { status });
    } catch (error) {
      const answered = errorAnswer(error, facts);
      if (answered !== undefined) return commit(answered);
      app.unanswered(error instanceof LoginFailure ? error.error : error);
      return new Response(null, { status: 500 });
    }
  }

  return {
    listener: (request, response) => {
      answer(request, response).then(
        (answered) => sendWebResponse(answered, response),
        (error) => response.destroy(error),
      );
    },
    parts: [mounted, openSession],
  };
};
