/** Waits for a call to reject, and resolves to the error. Rejects when the call resolves. */
export async function rejectionOf(call: Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    return error;
  }
  throw new Error(`The call resolved, with ${JSON.stringify(answer)}.`);
}

/** Lists an error, its cause, the cause of that, and so on. */
export function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && !causes.includes(cause); ) {
    causes.push(cause);
    cause = (cause as { cause?: unknown } | null)?.cause;
  }
  return causes;
}
