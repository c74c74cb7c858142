import { isAxiosError, isCancel } from "axios";

/** A download was interrupted and can be resumed. The message is a part of a sentence that says why. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Converts a network error of axios into an interruption. Other errors stay as they are. */
export function convertNetworkError(error: unknown): unknown {
  return isAxiosError(error) && !isCancel(error) ? toInterruption(error) : error;
}

/** Converts any error of a stream from the network into an interruption. */
export function toInterruption(error: unknown): Interruption {
  if (error instanceof Interruption) return error;
  const { code } = Object(error) as { readonly code?: unknown };
  return new Interruption(`the connection was lost${typeof code === "string" ? ` (${code})` : ""}`);
}
