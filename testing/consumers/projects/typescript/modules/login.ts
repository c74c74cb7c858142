import { type Login, type LoginSession, storedSession, talkdeskLogin } from "@talkdesk-oauth/login";
import { client, store } from "./core.js";

export const login: Login = talkdeskLogin({
  client,
  redirectUri: "https://app.example.com/auth/callback",
  scope: ["openid", "refresh_token"],
  store,
  contact: "help@example.com",
});

const openSession = storedSession({ store });

export async function answer(request: Request): Promise<Response> {
  const { session, commit }: { session: LoginSession; commit(response: Response): Response } =
    openSession(request);
  const answered = await login.handle({ request, mount: "/auth", session, host: undefined });
  const source = await login.source(session, undefined);
  return commit(answered ?? new Response(source?.api ?? null));
}
