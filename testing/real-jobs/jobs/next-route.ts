// app/api/users/route.ts of a Next app.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const talkdesk = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "users:read" }));

export async function GET(request: Request): Promise<Response> {
  const page = new URL(request.url).searchParams.get("page") ?? "1";
  const users = await talkdesk(`/users?per_page=5&page=${page}`);
  return Response.json(await users.json(), { status: users.status });
}
