import { isAxiosError, isCancel } from "axios";

/** A download that stopped, and may go on. Its message says what was seen. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Takes a failed request for an interruption, when it is about the network. */
export function toInterruption(error: unknown): unknown {
  return isAxiosError(error) && !isCancel(error) ? connectionLost(error) : error;
}

/** Takes whatever a stream from the network failed with for an interruption. */
export function connectionLost(error: unknown): Interruption {
  if (error instanceof Interruption) return error;
  const { code } = Object(error) as { readonly code?: unknown };
  return new Interruption(`the connection was lost${typeof code === "string" ? ` (${code})` : ""}`);
}
