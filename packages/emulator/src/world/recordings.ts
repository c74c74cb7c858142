/** A recording of a call. Every call has one, which follows from the id of the call. */
export interface Recording {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly callId: string;
  readonly seconds: number;
}

const ID = /^[0-9a-f]{32}$/;
const MAX_SECONDS = 10;

/** Gives the recording of a call; undefined when the text is not the id of a call. */
export function findRecordingOfCall(callId: string): Recording | undefined {
  if (!ID.test(callId)) return undefined;
  return {
    id: reverse(callId),
    callId,
    seconds: 1 + (Number.parseInt(callId.slice(0, 6), 16) % MAX_SECONDS),
  };
}

/** Finds a recording by its id. */
export function findRecording(id: string): Recording | undefined {
  return findRecordingOfCall(reverse(id));
}

function reverse(id: string): string {
  return [...id].reverse().join("");
}
