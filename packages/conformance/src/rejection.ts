/** Resolves to the error that a call rejects with. Rejects when the call resolves. */
export async function catchRejection(call: Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    return error;
  }
  throw new Error(`The call resolved, with ${JSON.stringify(answer)}.`);
}

/** Lists an error, its cause, the cause of that, and so on. */
export function listCauses(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && !causes.includes(cause); ) {
    causes.push(cause);
    cause = (cause as { cause?: unknown } | null)?.cause;
  }
  return causes;
}
