import { setTokenStage, type TokenStage } from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

/** A stage with a `fetch` that is authorised by its source. */
export interface AuthorizedStage extends TokenStage {
  readonly fetch: typeof fetch;
}

/** Sets the stage; `injected` is the `fetch` beneath. */
export async function setStage(injected?: typeof fetch): Promise<AuthorizedStage> {
  const stage = await setTokenStage();
  return Object.assign(stage, { fetch: talkdeskFetch(stage.source, injected && { fetch: injected }) });
}
