import { makeRecordingPath } from "../files/recording-file.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import { findRecording, findRecordingOfCall, type Recording } from "../world/recordings.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { halAnswer, pageAnswer } from "./paging.js";

const SCOPE = "recordings:read";

/** The recordings of a call, one recording, and its media. */
export const RECORDING_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: /^\/calls\/([^/]+)\/recordings$/, scope: SCOPE, answer: listRecordings },
  { method: "GET", path: /^\/recordings\/([^/]+)$/, scope: SCOPE, answer: showRecording },
  { method: "GET", path: /^\/recordings\/([^/]+)\/media$/, scope: SCOPE, answer: fetchMedia },
];

function listRecordings(call: ApiCall): Answer {
  const recording = findRecordingOfCall(call.parameters[0] ?? "");
  if (recording === undefined) return recordingNotFound();
  return pageAnswer(call, "recordings", [recording], (item) => presentRecording(item, call));
}

function showRecording(call: ApiCall): Answer {
  const recording = findRecording(call.parameters[0] ?? "");
  if (recording === undefined) return recordingNotFound();
  const presented = presentRecording(recording, call);
  return halAnswer(200, { recording: presented, _links: presented["_links"] });
}

/** Redirects to the media, which is on another origin. A client that asks for HAL gets the address in a link. */
function fetchMedia({ parameters, request, origin, makeFileUrl }: ApiCall): Answer {
  const recording = findRecording(parameters[0] ?? "");
  if (recording === undefined) return recordingNotFound();
  const href = makeFileUrl(makeRecordingPath(recording.id));
  // The service writes it as json+hal.
  return /hal\+json|json\+hal/i.test(request.headers["accept"] ?? "")
    ? halAnswer(200, { _links: { self: { href: `${getUrl(recording, origin)}/media` }, file: { href } } })
    : emptyAnswer(302, { location: href, "cache-control": "no-store" });
}

function presentRecording(
  recording: Recording,
  { origin, directory }: ApiCall,
): Readonly<Record<string, unknown>> {
  const [agent] = directory.users;
  return {
    id: recording.id,
    call_id: recording.callId,
    created_at: "2024-01-01T00:00:00.000Z",
    index: 0,
    duration: recording.seconds,
    type: "conversation",
    agents: { channel_1: [{ participant_type: "agent", participant_id: agent?.id }], channel_2: [] },
    _links: {
      self: { href: getUrl(recording, origin) },
      media: { href: `${getUrl(recording, origin)}/media` },
    },
  };
}

function getUrl({ id }: Recording, origin: string): string {
  return `${origin}/recordings/${id}`;
}

function recordingNotFound(): Answer {
  return apiError(404, API_ERROR_CODES.recordingNotFound, "Recording not found");
}
