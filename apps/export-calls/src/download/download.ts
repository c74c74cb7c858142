import { createWriteStream } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { retryAfterMs } from "@talkdesk-oauth/core";
import type { AxiosInstance, AxiosResponse } from "axios";
import type { Clock } from "../base/clock.js";
import { describeRefusal, ExportFailure } from "../base/export-failure.js";
import { growingWaits } from "../base/growing-waits.js";
import { convertNetworkError, Interruption, toInterruption } from "./interruption.js";
import { type PartFile, type PartState, PRIVATE_MODE, parseStrongEtag } from "./part-file.js";

/** Options of {@link download}. */
export interface DownloadOptions {
  /** Sends a token, and resolves with every status. */
  readonly api: AxiosInstance;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long no data may arrive before the connection counts as lost, in milliseconds. */
  readonly stallMs: number;
  /** Called for each request with the host (and port) that sends the file after all redirects. */
  onSource(host: string, isResumed: boolean): void;
  /** Called with the size so far, in bytes. `total` is undefined when the server does not send it. */
  onProgress(bytes: number, total: number | undefined): void;
  /** Called with the reason of each interruption, and the milliseconds until the next attempt. */
  onInterruption(reason: string, ms: number): void;
}

/** A connection that breaks more often than this needs a person to look at it. */
const MAX_INTERRUPTIONS = 5;
/** Polite to the server; an outage of ten minutes needs a person to look at it. */
const WAITS = { firstMs: 1_000, longestMs: 30_000, totalMs: 10 * 60_000 };

/**
 * Downloads the rest of a file, and resumes after interruptions.
 *
 * Each request goes to the gateway, which redirects to a new signed address. That address is neither stored nor shown.
 *
 * @param url The address of the file at the gateway.
 * @returns The size of the complete file in bytes.
 */
export async function download(url: string, part: PartFile, options: DownloadOptions): Promise<number> {
  const { clock, signal, onInterruption } = options;
  let nextWait: ((askedMs?: number) => number) | undefined;
  for (let interruptions = 1; ; interruptions += 1) {
    const before = await part.size();
    try {
      return await fetchRest(url, part, before, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Interruption)) throw error;
      if (interruptions > MAX_INTERRUPTIONS) {
        throw new ExportFailure(
          `The download was interrupted ${interruptions} times, the last time because ${error.message}. Run the same command again to continue with ${part.path}.`,
        );
      }
      if (nextWait === undefined || (await part.size()) > before) {
        nextWait = growingWaits(WAITS, clock, "Downloading the file");
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
  options: DownloadOptions,
): Promise<number> {
  const { api, signal, onSource } = options;
  const state = await part.read();
  if (state === undefined)
    throw new ExportFailure(
      `${part.path}.json has been deleted during the download; run the same command again.`,
    );
  const etag = size > 0 ? state.etag : undefined;
  const response = await api
    .get<Readable>(url, {
      responseType: "stream",
      signal,
      // A range counts bytes on the wire, so they must not be compressed.
      decompress: false,
      headers: {
        "Accept-Encoding": "identity",
        ...(etag !== undefined && { Range: `bytes=${size}-`, "If-Range": etag }),
      },
    })
    .catch((error: unknown) => Promise.reject(convertNetworkError(error)));
  try {
    const rest = await readRest(response, etag === undefined ? 0 : size, part, state);
    if (rest === undefined) return size;
    const { responseUrl } = response.request?.res ?? {};
    onSource(new URL(responseUrl ?? url).host, rest.start > 0);
    return await appendBody(response.data, rest, part, options);
  } finally {
    response.data.destroy();
  }
}

/** The part of a file that a response contains. */
interface Rest {
  readonly start: number;
  readonly total: number | undefined;
}

/** Reads which part a response contains, and prepares the part file for it; undefined when the file is already complete. */
async function readRest(
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
      throw new ExportFailure(
        `The file is compressed (${coding}), although the request excluded compression.`,
      );
    const strong = parseStrongEtag(headers["etag"]);
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
  // 403: the signed address may have expired. The next request gets a new one.
  if (status === 403 || status === 408 || status === 429 || status >= 500) {
    throw new Interruption(`the server answered ${status}`, retryAfterMs(headers, response.data));
  }
  if (status === 404 || status === 410) {
    await part.discard();
    throw new ExportFailure(
      `The file of the report no longer exists (${status}); run the same command again for a new report.`,
    );
  }
  throw describeRefusal("the request for the file", response);
}

async function appendBody(
  body: Readable,
  { start, total }: Rest,
  part: PartFile,
  { signal, stallMs, onProgress }: DownloadOptions,
): Promise<number> {
  let bytes = start;
  let interruption: Interruption | undefined;
  onProgress(bytes, total);

  // Ends without an error when the connection breaks, so that everything received is written first.
  async function* received(): AsyncGenerator<Buffer> {
    const lost = new Interruption(`no data arrived for ${stallMs / 1000} s`);
    const stalled = setTimeout(() => body.destroy(lost), stallMs);
    try {
      for await (const chunk of body) {
        stalled.refresh();
        yield chunk;
        bytes += chunk.length;
        onProgress(bytes, total);
      }
    } catch (error) {
      interruption = toInterruption(error);
    } finally {
      clearTimeout(stalled);
    }
  }

  addAbortSignal(signal, body);
  await pipeline(received(), createWriteStream(part.path, { flags: "a", mode: PRIVATE_MODE }));
  if (interruption !== undefined) throw interruption;
  const size = await part.size();
  if (total !== undefined && size !== total) {
    throw new Interruption(`${size} of ${total} bytes arrived`);
  }
  return size;
}
