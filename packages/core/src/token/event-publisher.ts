import { useBuiltin } from "../base/builtin-module.js";
import type { TokenEvent } from "./token-event.js";

type EventType = TokenEvent["type"];
/** An event as its place of origin knows it: without what all events of a source share. */
export type EventDetails = {
  [T in EventType]: Omit<Extract<TokenEvent, { type: T }>, SharedMember>;
}[EventType];
type SharedMember = "at" | "grantType" | "tokenEndpoint" | "label";

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
  const name = channelName(type);
  const withDiagnostics = <T>(use: (diagnostics: DiagnosticsChannel) => T): T | undefined =>
    useBuiltin("node:diagnostics_channel", use);
  const isSubscribed = withDiagnostics((diagnostics) => diagnostics.hasSubscribers(name)) === true;
  if (onEvent === undefined && !isSubscribed) return;
  const message = Object.freeze(event());
  if (isSubscribed) withDiagnostics((diagnostics) => diagnostics.channel(name).publish(message));
  try {
    const answer: unknown = onEvent?.(message);
    // Nobody waits for an async listener, and its failure must not end the process. Not `instanceof Promise`: the
    // promise may be of another realm.
    if (typeof answer === "object") Promise.resolve(answer).catch(() => {});
  } catch {
    // There is nobody to tell.
  }
}

type Fingerprint = (value: string) => string | undefined;

/**
 * The same in every copy of this package in a process: a program that loads it both as an ES module and as CommonJS has
 * two, and a token must have one fingerprint.
 */
const SHARED_FINGERPRINT = Symbol.for("@talkdesk-oauth/fingerprint");

/**
 * Names a token in events: 16 hexadecimal digits of HMAC-SHA-256 under the process's key.
 * @internal
 */
export function fingerprint(value: string): { readonly fingerprint?: string } {
  const named = sharedFingerprint()(value);
  return named === undefined ? {} : { fingerprint: named };
}

let ownFingerprint: Fingerprint | undefined;

function sharedFingerprint(): Fingerprint {
  const shared = globalThis as { [SHARED_FINGERPRINT]?: Fingerprint };
  if (shared[SHARED_FINGERPRINT] !== undefined) return shared[SHARED_FINGERPRINT];
  ownFingerprint ??= keyedFingerprint();
  // Without effect where the global object is frozen.
  Reflect.defineProperty(shared, SHARED_FINGERPRINT, { value: ownFingerprint });
  return ownFingerprint;
}

/** Draws the key at first use. Nobody else has it: without it, a fingerprint cannot be matched with a token. */
function keyedFingerprint(): Fingerprint {
  let key: Uint8Array | undefined;
  return (value) =>
    useBuiltin("node:crypto", (crypto: NodeCrypto) => {
      key ??= globalThis.crypto.getRandomValues(new Uint8Array(32));
      return crypto.createHmac("sha256", key).update(value).digest("hex").slice(0, 16);
    });
}
