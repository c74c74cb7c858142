// A Worker in a project of the DOM's types, which imports those of its bindings.
import type { ExecutionContext, Request as IncomingRequest, KVNamespace } from "@cloudflare/workers-types";
import { memoryStore, type TokenSource } from "@talkdesk-oauth/core";
import { storedSession } from "@talkdesk-oauth/login";

interface Bindings {
  readonly SECRETS: KVNamespace;
}

export async function handle(
  request: IncomingRequest,
  bindings: Bindings,
  context: ExecutionContext,
  source: TokenSource,
): Promise<string | undefined> {
  const secret = await bindings.SECRETS.get("secret");
  context.waitUntil(source.getToken());
  const { session } = storedSession({ store: memoryStore() })(request);
  return session.id ?? secret ?? undefined;
}
