import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Region } from "../base/region.js";
import type { CannedAnswer, CheckedFault } from "../faults/fault.js";
import type { FaultScript } from "../faults/faults.js";
import { type Answer, jsonAnswer, wholeBody } from "../message/answer.js";
import { readBasicCredentials } from "../message/basic-credentials.js";
import type { BodyMemory, ReceivedBody } from "../message/received-body.js";
import {
  type RequestProgress,
  type RequestRecord,
  type RequestTarget,
  requestRecord,
} from "../message/request-record.js";
import { namesThisServer } from "./own-host.js";
import type { RequestLog } from "./request-log.js";
import { type Manner, transmit } from "./transmission.js";

/** Where a request belongs, by its path or token. */
export interface Destination {
  readonly to: RequestTarget;
  readonly region?: Region;
  readonly account?: string;
}

/** A host of the service: it sorts requests and answers them. */
export interface Host {
  destination(head: { readonly path: string; readonly authorization: string | undefined }): Destination;
  answer(request: RequestRecord): Answer | Promise<Answer>;
  /** What a request gets whose `Host` header names another host. */
  readonly foreignHost: Answer;
}

/** What stands between a host and its socket. */
export interface HostSurroundings {
  readonly log: RequestLog;
  readonly bodies: BodyMemory;
  readonly faults: FaultScript;
  /** Aborted when the emulator stops. */
  readonly stopping: AbortSignal;
  /** How far the clock of the host is ahead. */
  readonly clockSkewMs: number;
}

/** Makes the request listener of a host: it records, applies the scripted faults and writes what the host answers. */
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
    const progress: RequestProgress = { body, status: undefined, aborted: false };
    const isOurs = namesThisServer(incoming);
    const record = requestRecord(headOf(incoming, isOurs ? host : nowhere, connection), progress);

    const early = isOurs ? faults.take(record, "head") : undefined;
    const received = receiveBody(incoming, body, progress);
    if (early === undefined) await received;
    log.add(record, body);

    let wasCut = false;
    try {
      if (early !== undefined || !progress.aborted) {
        const onHead = (status: number): void => {
          progress.status = status;
        };
        wasCut = isOurs
          ? await respond(record, response, early ?? faults.take(record, "whole"), onHead)
          : await transmit(response, host.foreignHost, { kind: "plain" }, onHead);
      }
    } finally {
      if (wasCut) progress.status = undefined;
      progress.aborted ||= !wasCut && !response.writableFinished && !stopping.aborted;
      log.ended(record);
      void received.then(body.release);
    }
  }

  async function respond(
    record: RequestRecord,
    response: ServerResponse,
    fault: CheckedFault | undefined,
    onHead: (status: number) => void,
  ): Promise<boolean> {
    const send = (answer: Answer, manner: Manner = { kind: "plain" }): Promise<boolean> => {
      if (clockSkewMs === 0) return transmit(response, answer, manner, onHead);
      const date = new Date(Date.now() + clockSkewMs).toUTCString();
      return transmit(response, { ...answer, headers: { date, ...answer.headers } }, manner, onHead);
    };
    if (fault === undefined) return send(await host.answer(record));

    if (fault.delayMs > 0) await sleep(fault.delayMs, undefined, { signal: stopping });
    const { effect } = fault;
    switch (effect.kind) {
      case "none":
        return send(await host.answer(record));
      case "hang":
        await closed(response);
        return false;
      case "respond":
        return send(answerFrom(effect.answer));
      case "lose":
        await host.answer(record);
        response.socket?.destroy();
        return true;
      case "patch":
        return send(await patched(await host.answer(record), effect.rewrite));
      case "dateSkew": {
        const answer = await host.answer(record);
        const date = new Date(Date.now() + effect.ms).toUTCString();
        return send({ ...answer, headers: { ...answer.headers, date } });
      }
      case "reset":
        if (effect.when === "before") {
          response.socket?.resetAndDestroy();
          return true;
        }
        return send(await host.answer(record), { kind: "reset", when: effect.when });
      case "truncate":
      case "trickle":
        return send(await host.answer(record), effect);
    }
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

const nowhere: Pick<Host, "destination"> = { destination: () => ({ to: "other" }) };

function headOf(
  incoming: IncomingMessage,
  host: Pick<Host, "destination">,
  connection: number,
): Parameters<typeof requestRecord>[0] {
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
    ...host.destination({ path: url.split("?", 1)[0] ?? "/", authorization }),
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

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    else response.on("close", resolve);
  });
}

function answerFrom({ status, headers = {}, body }: CannedAnswer): Answer {
  const content = typeof body === "function" ? body() : body;
  if (content === undefined) return { status, headers };
  return { status, headers, body: typeof content === "string" ? new TextEncoder().encode(content) : content };
}

async function patched(answer: Answer, rewrite: (body: unknown) => unknown): Promise<Answer> {
  const bytes = await wholeBody(answer);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return { ...answer, body: bytes };
  }
  return { ...answer, body: new TextEncoder().encode(JSON.stringify(rewrite(parsed)) ?? "") };
}
