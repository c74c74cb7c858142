import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** What a worker has observed; one line of its file each. Times are epoch milliseconds. */
export type Observation =
  /** It is about to send a refresh token. */
  | { readonly type: "send"; readonly at: number; readonly refreshToken: string }
  /** It has waited for the answer until its deadline. */
  | { readonly type: "give up"; readonly at: number; readonly refreshToken: string }
  /** The store has taken a record with this refresh token. */
  | { readonly type: "stored"; readonly at: number; readonly key: string; readonly refreshToken: string }
  /** The store could not be used. */
  | { readonly type: "store failed"; readonly at: number; readonly key: string }
  /** A caller got this token, for the first time in this process. */
  | { readonly type: "token"; readonly at: number; readonly key: string; readonly token: string }
  /** A caller got an error. */
  | {
      readonly type: "error";
      readonly at: number;
      readonly startedAt: number;
      readonly key: string;
      readonly code: string;
      /** The error code of the token endpoint, where it has answered. */
      readonly error?: string;
    }
  /** A caller waited longer than it may. */
  | {
      readonly type: "late";
      readonly at: number;
      readonly key: string;
      readonly waitedMs: number;
      readonly allowedMs: number;
    }
  /** A caller got a token that had expired before it asked. */
  | { readonly type: "expired"; readonly at: number; readonly key: string; readonly byMs: number }
  /** How many calls were answered since the last line of this kind. */
  | { readonly type: "calls"; readonly at: number; readonly calls: number };

/** Writes observations so that they outlast the process at once, also when it is killed. */
export interface ChaosLog {
  note(observation: Observation): void;
  close(): void;
}

export function openChaosLog(file: string): ChaosLog {
  const descriptor = openSync(file, "a");
  return {
    note: (observation) => void writeSync(descriptor, `${JSON.stringify(observation)}\n`),
    close: () => closeSync(descriptor),
  };
}

export function readChaosLog(file: string): readonly Observation[] {
  // A process that is killed at once may not have made its file.
  appendFileSync(file, "");
  return (
    readFileSync(file, "utf8")
      .split("\n")
      // The last line may be cut.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Observation)
  );
}
