import { createWriteStream } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { retryAfterMs } from "@talkdesk-oauth/core";
import type { AxiosInstance, AxiosResponse } from "axios";
import type { Clock } from "./clock.js";
import { ExportFailure, refusal } from "./export-failure.js";
import { growingWaits } from "./growing-waits.js";
import { connectionLost, Interruption, toInterruption } from "./interruption.js";
import { type PartFile, type PartState, strongEtag } from "./part-file.js";

/** What a download takes. */
export interface DownloadSurroundings {
  /** Sends a token, and gives every answer back, whatever its status. */
  readonly api: AxiosInstance;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long no byte may come before the connection counts as lost, in milliseconds. */
  readonly stallMs: number;
  /** Told where the file comes from in the end, for each request: a host and its port. */
  onSource(host: string, isResumed: boolean): void;
  /** Told how much there is. `total` is undefined while it is not known. */
  onProgress(bytes: number, total: number | undefined): void;
  /** Told of each interruption that it goes on after, and of the wait before, in milliseconds. */
  onInterruption(reason: string, ms: number): void;
}

const maximumInterruptions = 5;
const waits = { firstMs: 1_000, longestMs: 30_000, totalMs: 10 * 60_000 };

/**
 * Fetches the rest of a file, again and again if it is interrupted.
 *
 * Each request goes to the gateway, which redirects to a new signed address; that is neither kept nor shown.
 *
 * @param url The file's address at the gateway.
 * @returns How many bytes the file has, all of them on the disk.
 */
export async function download(
  url: string,
  part: PartFile,
  surroundings: DownloadSurroundings,
): Promise<number> {
  const { clock, signal, onInterruption } = surroundings;
  let nextWait: ((askedMs?: number) => number) | undefined;
  for (let interruptions = 1; ; interruptions += 1) {
    const before = await part.size();
    try {
      return await fetchRest(url, part, before, surroundings);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Interruption)) throw error;
      if (interruptions > maximumInterruptions) {
        throw new ExportFailure(
          `The download was interrupted ${interruptions} times, at last because ${error.message}; run the same command again to go on with ${part.path}.`,
        );
      }
      if (nextWait === undefined || (await part.size()) > before) {
        nextWait = growingWaits(waits, clock, "Fetching the file");
      }
      const ms = nextWait(error.retryAfterMs);
      onInterruption(error.message, ms);
      await clock.sleep(ms, signal);
    }
  }
}

async function fetchRest(
  url: string,
  part: PartFile,
  size: number,
  surroundings: DownloadSurroundings,
): Promise<number> {
  const { api, signal, onSource } = surroundings;
  const state = await part.read();
  if (state === undefined) throw new ExportFailure(`Something has removed ${part.path}.json; run again.`);
  const etag = size > 0 ? state.etag : undefined;
  const response = await api
    .get<Readable>(url, {
      responseType: "stream",
      signal,
      // A range is one of the bytes on the wire, so these must be the file's own.
      decompress: false,
      headers: {
        "Accept-Encoding": "identity",
        ...(etag !== undefined && { Range: `bytes=${size}-`, "If-Range": etag }),
      },
    })
    .catch((error: unknown) => Promise.reject(toInterruption(error)));
  try {
    const rest = await restIn(response, etag === undefined ? 0 : size, part, state);
    if (rest === undefined) return size;
    const { responseUrl } = response.request?.res ?? {};
    onSource(new URL(responseUrl ?? url).host, rest.start > 0);
    return await append(response.data, rest, part, surroundings);
  } finally {
    response.data.destroy();
  }
}

/** The part of a file that an answer brings. */
interface Rest {
  readonly start: number;
  readonly total: number | undefined;
}

/** Tells what an answer brings, with the part file made ready for it; undefined when nothing was missing. */
async function restIn(
  response: AxiosResponse,
  offset: number,
  part: PartFile,
  { etag, ...report }: PartState,
): Promise<Rest | undefined> {
  const { status, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(String(headers["content-range"] ?? ""));
  if (status === 200) {
    const coding = headers["content-encoding"] ?? "identity";
    if (coding !== "identity")
      throw new ExportFailure(`The file comes compressed (${coding}), unlike what was asked for.`);
    const strong = strongEtag(headers["etag"]);
    await part.begin({ ...report, ...(strong !== undefined && { etag: strong }) });
    const length = headers["content-length"];
    return { start: 0, total: length === undefined ? undefined : Number(length) };
  }
  if (status === 206 && offset > 0 && range?.[1] === String(offset) && (headers["etag"] ?? etag) === etag) {
    return { start: offset, total: Number(range[2]) };
  }
  if (status === 416 && offset > 0 && range?.[2] === String(offset)) return undefined;
  if (status === 206 || status === 416) {
    await part.begin(report);
    throw new Interruption("the file has changed");
  }
  // 403: the signed address may have expired on the way; the next request gets another.
  if (status === 403 || status === 408 || status === 429 || status >= 500) {
    throw new Interruption(`the answer was ${status}`, retryAfterMs(headers, response.data));
  }
  if (status === 404 || status === 410) {
    await part.discard();
    throw new ExportFailure(
      `The report's file is gone (${status}); run the same command again for a new report.`,
    );
  }
  throw refusal("the request for the file", response);
}

async function append(
  body: Readable,
  { start, total }: Rest,
  part: PartFile,
  { signal, stallMs, onProgress }: DownloadSurroundings,
): Promise<number> {
  let bytes = start;
  let interruption: Interruption | undefined;
  onProgress(bytes, total);

  // Ends when the body breaks off, so that what has come is written all the same.
  async function* received(): AsyncGenerator<Buffer> {
    const lost = new Interruption(`nothing came for ${stallMs / 1000} s`);
    const stalled = setTimeout(() => body.destroy(lost), stallMs);
    try {
      for await (const chunk of body) {
        stalled.refresh();
        yield chunk;
        bytes += chunk.length;
        onProgress(bytes, total);
      }
    } catch (error) {
      interruption = connectionLost(error);
    } finally {
      clearTimeout(stalled);
    }
  }

  addAbortSignal(signal, body);
  await pipeline(received(), createWriteStream(part.path, { flags: "a" }));
  if (interruption !== undefined) throw interruption;
  const size = await part.size();
  if (total !== undefined && size !== total) {
    throw new Interruption(`${size} of ${total} bytes arrived`);
  }
  return size;
}
