import { builtinModule } from "./builtin-module.js";
import type { TokenEvent } from "./token-event.js";

type EventType = TokenEvent["type"];
/** An event as its place of origin knows it: without what all events of a source share. */
export type EventDetails = {
  [T in EventType]: Omit<Extract<TokenEvent, { type: T }>, SharedMember>;
}[EventType];
type SharedMember = "at" | "grantType" | "tokenEndpoint";

interface DiagnosticsChannel {
  hasSubscribers(name: string): boolean;
  channel(name: string): { publish(message: unknown): void };
}
interface NodeCrypto {
  createHmac(algorithm: string, key: Uint8Array): { update(text: string): { digest(form: "hex"): string } };
}

const channelName = (type: EventType): string => `talkdesk-oauth:${type}`;

/**
 * Tells a listener and the diagnostics channel of its type about an event. `event` is called only when somebody
 * listens. A listener that throws, or returns a promise that rejects, harms nobody.
 * @internal
 */
export function publish(
  type: EventType,
  event: () => TokenEvent,
  onEvent: ((event: TokenEvent) => void) | undefined,
): void {
  const diagnostics = builtinModule<DiagnosticsChannel>("node:diagnostics_channel");
  const isSubscribed = diagnostics?.hasSubscribers(channelName(type)) === true;
  if (onEvent === undefined && !isSubscribed) return;
  const message = Object.freeze(event());
  if (isSubscribed) diagnostics.channel(channelName(type)).publish(message);
  try {
    const answer: unknown = onEvent?.(message);
    // An async listener is none of ours to wait for, nor may its failure end the process.
    if (answer instanceof Promise) answer.catch(() => {});
  } catch {
    // There is nobody to tell.
  }
}

/** Drawn at first use, once in a process: without it a fingerprint cannot be matched with a token. */
let fingerprintKey: Uint8Array | undefined;

/**
 * Names a token in events: 16 hexadecimal digits of HMAC-SHA-256 under the process's key.
 * @internal
 */
export function fingerprint(value: string): { readonly fingerprint?: string } {
  const crypto = builtinModule<NodeCrypto>("node:crypto");
  if (crypto === undefined) return {};
  fingerprintKey ??= globalThis.crypto.getRandomValues(new Uint8Array(32));
  return {
    fingerprint: crypto.createHmac("sha256", fingerprintKey).update(value).digest("hex").slice(0, 16),
  };
}
