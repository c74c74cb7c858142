import type { IncomingMessage, ServerResponse } from "node:http";
import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import type { CheckedFault } from "../faults/fault.js";
import type { FaultScript } from "../faults/faults.js";
import { type Answer, jsonAnswer } from "../message/answer.js";
import { readBasicCredentials } from "../message/basic-credentials.js";
import type { BodyMemory, ReceivedBody } from "../message/received-body.js";
import {
  makeRequestRecord,
  type RequestHead,
  type RequestProgress,
  type RequestRecord,
  type RequestTarget,
} from "../message/request-record.js";
import { applyFault } from "./apply-fault.js";
import { namesThisServer } from "./own-host.js";
import type { RequestLog } from "./request-log.js";
import { type Manner, transmit } from "./transmission.js";

// A request for a foreign host belongs to no account, and no fault applies to it.
const NOWHERE: Pick<Host, "findDestination"> = { findDestination: () => ({ to: "other" }) };

/** Some refusals repeat what a client sent, and the log keeps many of them. */
const MAX_REFUSAL_CHARACTERS = 1_000;

/** The destination of a request, which its path or its token decides. */
export interface Destination {
  readonly to: RequestTarget;
  readonly region?: Region;
  readonly account?: string;
}

/** A host of the service. */
export interface Host {
  /** Finds the destination of a request. It is called when the head has arrived. */
  findDestination(head: { readonly path: string; readonly authorization: string | undefined }): Destination;
  answer(request: RequestRecord): Answer | Promise<Answer>;
  /** The answer to a request whose `Host` header names another host. */
  readonly foreignHost: Answer;
}

/** The parts of the emulator that every host is served with. */
export interface HostSurroundings {
  readonly log: RequestLog;
  readonly bodies: BodyMemory;
  readonly faults: FaultScript;
  /** Aborted when the emulator stops. */
  readonly stopping: AbortSignal;
  /** How far the clock of the host is ahead, in milliseconds. */
  readonly clockSkewMs: number;
}

/**
 * Makes the request listener of a host. It records each request, asks the host for an answer, and sends the answer as the
 * faults say.
 */
export function serveHost(
  host: Host,
  { log, bodies, faults, stopping, clockSkewMs }: HostSurroundings,
): (request: IncomingMessage, response: ServerResponse, connection: number) => void {
  async function serve(
    incoming: IncomingMessage,
    response: ServerResponse,
    connection: number,
  ): Promise<void> {
    const body = bodies.receive();
    const progress: RequestProgress = {
      body,
      status: undefined,
      laxities: [],
      refusal: undefined,
      aborted: false,
    };
    const isOurs = namesThisServer(incoming);
    if (!isOurs) progress.refusal = host.foreignHost.refusal;
    const record = makeRequestRecord(readHead(incoming, isOurs ? host : NOWHERE, connection), progress);

    const early = isOurs ? faults.take(record, "head") : undefined;
    const received = receiveBody(incoming, body, progress);
    if (early === undefined) await received;
    log.add(record, body);

    let wasCut = false;
    try {
      if (early !== undefined || !progress.aborted) {
        wasCut = isOurs
          ? await respond(record, progress, response, early ?? faults.take(record, "whole"))
          : await transmit(response, host.foreignHost, { kind: "plain" }, noteStatus(progress));
      }
    } finally {
      if (wasCut) progress.status = undefined;
      progress.aborted ||= !wasCut && !response.writableFinished && !stopping.aborted;
      log.noteEnd(record);
      void received.then(body.release);
    }
  }

  async function respond(
    record: RequestRecord,
    progress: RequestProgress,
    response: ServerResponse,
    fault: CheckedFault | undefined,
  ): Promise<boolean> {
    const onHead = noteStatus(progress);
    const handle = async (): Promise<Answer> => {
      const answer = await host.answer(record);
      progress.laxities = answer.laxities ?? [];
      progress.refusal = answer.refusal?.slice(0, MAX_REFUSAL_CHARACTERS);
      return answer;
    };
    const send = (answer: Answer, manner: Manner = { kind: "plain" }): Promise<boolean> => {
      if (clockSkewMs === 0) return transmit(response, answer, manner, onHead);
      const date = new Date(Date.now() + clockSkewMs).toUTCString();
      return transmit(response, { ...answer, headers: { date, ...answer.headers } }, manner, onHead);
    };
    return fault === undefined
      ? send(await handle())
      : applyFault(fault, { response, handle, send, stopping });
  }

  return (incoming, response, connection) => {
    serve(incoming, response, connection).catch((error: unknown) => {
      if (stopping.aborted || response.headersSent) {
        response.destroy();
        return;
      }
      const { status, headers, body } = jsonAnswer(500, {
        error: "emulator_failure",
        message: String(error),
      });
      response.writeHead(status, headers as Record<string, string>).end(body);
    });
  };
}

function noteStatus(progress: RequestProgress): (status: number) => void {
  return (status) => {
    progress.status = status;
  };
}

function readHead(
  incoming: IncomingMessage,
  host: Pick<Host, "findDestination">,
  connection: number,
): RequestHead {
  const headers: Record<string, string> = {};
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index]?.toLowerCase() ?? "";
    const value = incoming.rawHeaders[index + 1] ?? "";
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const url = incoming.url ?? "/";
  const { authorization } = headers;
  const clientId = readBasicCredentials(authorization)?.clientId;
  return {
    at: Date.now(),
    ...host.findDestination({ path: splitUrl(url).path, authorization }),
    method: incoming.method ?? "GET",
    url,
    httpVersion: incoming.httpVersion,
    rawHeaders: Object.freeze([...incoming.rawHeaders]),
    headers: Object.freeze(headers),
    ...(clientId !== undefined && { clientId }),
    connection,
  };
}

function receiveBody(
  incoming: IncomingMessage,
  body: ReceivedBody,
  progress: RequestProgress,
): Promise<void> {
  return new Promise((resolve) => {
    incoming.on("data", body.append);
    incoming.on("end", resolve);
    incoming.on("error", () => undefined);
    incoming.on("close", () => {
      if (!incoming.complete) progress.aborted = true;
      resolve();
    });
  });
}
