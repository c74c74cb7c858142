import { setTokenStage, type TokenStage } from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

/** A stage with a `fetch` that sends the tokens of its source. */
export interface AuthorizedStage extends TokenStage {
  readonly fetch: typeof fetch;
}

/** @param beneath The option `fetch`. */
export async function setStage(beneath?: typeof fetch): Promise<AuthorizedStage> {
  const stage = await setTokenStage();
  return Object.assign(stage, { fetch: talkdeskFetch(stage.source, { fetch: beneath }) });
}
