import { useBuiltin } from "../base/builtin-module.js";
import type { TokenEvent } from "./token-event.js";

type EventType = TokenEvent["type"];
/** An event without the members that all events of a source share. */
export type EventDetails = {
  [T in EventType]: Omit<Extract<TokenEvent, { type: T }>, SharedMember>;
}[EventType];
type SharedMember = "at" | "grantType" | "tokenEndpoint" | "clientId" | "label";

interface DiagnosticsChannel {
  hasSubscribers(name: string): boolean;
  channel(name: string): { publish(message: unknown): void };
}
interface NodeCrypto {
  createHmac(algorithm: string, key: Uint8Array): { update(text: string): { digest(form: "hex"): string } };
}

const channelName = (type: EventType): string => `talkdesk-oauth:${type}`;

/**
 * Passes an event to `onEvent` and to the diagnostics channel of its type. `event` is called only when there is a listener.
 * Errors of `onEvent`, rejections included, are ignored.
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
    // A rejection of an async listener must not end the process. Not `instanceof Promise`: it may be of another realm.
    if (typeof answer === "object") Promise.resolve(answer).catch(() => {});
  } catch {
    // Ignored, as documented.
  }
}

type Fingerprint = (value: string) => string | undefined;

/**
 * Shared by all copies of this package in a process, so that a token has one fingerprint. A program that loads it as an ES
 * module and as CommonJS has two copies.
 */
const SHARED_FINGERPRINT = Symbol.for("@talkdesk-oauth/fingerprint");

/**
 * Identifies a token in an event: 16 hexadecimal digits of HMAC-SHA-256 under a key of this process.
 * @internal
 */
export function identifyToken(value: string): { readonly fingerprint?: string } {
  const fingerprint = shareFingerprint()(value);
  return fingerprint === undefined ? {} : { fingerprint };
}

let ownFingerprint: Fingerprint | undefined;

function shareFingerprint(): Fingerprint {
  const shared = globalThis as { [SHARED_FINGERPRINT]?: Fingerprint };
  if (shared[SHARED_FINGERPRINT] !== undefined) return shared[SHARED_FINGERPRINT];
  ownFingerprint ??= createFingerprint();
  // Does nothing where the global object is frozen.
  Reflect.defineProperty(shared, SHARED_FINGERPRINT, { value: ownFingerprint });
  return ownFingerprint;
}

/** Draws the key at first use. It never leaves the process, and without it a fingerprint reveals nothing of its token. */
function createFingerprint(): Fingerprint {
  let key: Uint8Array | undefined;
  return (value) =>
    useBuiltin("node:crypto", (crypto: NodeCrypto) => {
      key ??= globalThis.crypto.getRandomValues(new Uint8Array(32));
      return crypto.createHmac("sha256", key).update(value).digest("hex").slice(0, 16);
    });
}
