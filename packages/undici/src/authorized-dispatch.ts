import {
  type AccessToken,
  type AuthorizedRequest,
  sendAuthorized,
  type TokenSource,
} from "@talkdesk-oauth/core";
import { type Outgoing, Sending } from "./sending.js";

/** A request of a dispatcher, as `sendAuthorized` sends it. */
export class AuthorizedDispatch implements AuthorizedRequest<Sending> {
  readonly method: string;
  readonly isReplayable: boolean;
  readonly #outgoing: Outgoing;
  /** The refused sending. It is kept until the second one is in flight, since the caller may still get it. */
  #refused: Sending | undefined;

  constructor(outgoing: Outgoing, isReplayable: boolean) {
    this.method = outgoing.request.options.method;
    this.isReplayable = isReplayable;
    this.#outgoing = outgoing;
  }

  /** Sends the request. The caller's handler learns how it ends. */
  start(source: TokenSource): void {
    sendAuthorized(source, this).then(release, (error: unknown) => {
      this.#refused?.discard();
      this.#outgoing.caller.fail(error);
    });
  }

  send(token: AccessToken): Promise<Sending> {
    const sending = new Sending(this.#outgoing, token);
    if (this.#refused === undefined) return sending.send();
    const answer = sending.send("held");
    // The dispatcher was closed during the wait for the second token: the caller gets the refusal.
    if (sending.hasFailed) return Promise.resolve(this.#refused);
    this.#refused.discard();
    sending.release();
    return answer;
  }

  isRefusal({ isRefusal }: Sending): boolean {
    return isRefusal;
  }

  isRedirected({ isRedirected }: Sending): boolean {
    return isRedirected;
  }

  discard(sending: Sending): void {
    this.#refused = sending;
  }
}

function release(sending: Sending): void {
  sending.release();
}
