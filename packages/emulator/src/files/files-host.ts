import { createHash } from "node:crypto";
import { isRegion, type Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { Host } from "../wire/host-server.js";
import type { PathSigner } from "./signed-path.js";

/** A file of the files host. */
export interface StoredFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Makes a file of an account, from its path after region and account. Gives undefined when there is none. */
type FindFile = (region: Region, account: string, path: string) => StoredFile | undefined;

/** The dependencies of the files host. */
export interface FilesHostParts {
  readonly signer: PathSigner;
  readonly findFile: FindFile;
}

// Region, account and file.
const FILE_PATH = /^\/([a-z]+)\/([a-z0-9-]+)\/(.+)$/;

/**
 * Makes the host of the files of reports and recordings. It serves signed URLs only, and takes no credentials in headers.
 */
export function makeFilesHost({ signer, findFile }: FilesHostParts): Host {
  // Files may be large, so only the last one is kept. A client that resumes a download asks for the same one again.
  let last: { readonly path: string; readonly file: StoredFile } | undefined;

  function getFile(whole: string): StoredFile | undefined {
    if (last?.path === whole) return last.file;
    const [, region, account = "", path = ""] = FILE_PATH.exec(whole) ?? [];
    const file = isRegion(region) ? findFile(region, account, path) : undefined;
    if (file !== undefined) last = { path: whole, file };
    return file;
  }

  return {
    foreignHost: xmlError(404, "NoSuchHost", "The Host header names another host."),
    findDestination({ path }) {
      const [, region, account] = FILE_PATH.exec(path) ?? [];
      return isRegion(region) && account !== undefined ? { to: "files", region, account } : { to: "files" };
    },
    answer(request): Answer {
      // Object stores refuse a signed URL together with this header. Here it shows that a token has leaked.
      if (request.headers["authorization"] !== undefined) {
        return xmlError(
          400,
          "InvalidArgument",
          "A signed URL must be requested without an Authorization header.",
        );
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        return xmlError(405, "MethodNotAllowed", "Files can only be read, with GET or HEAD.");
      }
      const file = signer.isValid(request.url) ? getFile(splitUrl(request.url).path) : undefined;
      return file === undefined
        ? xmlError(403, "AccessDenied", "The URL is not signed correctly, or has expired.")
        : answerWithFile(request, file);
    },
  };
}

function answerWithFile(request: RequestRecord, { contentType, bytes }: StoredFile): Answer {
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
  const headers = { "content-type": contentType, "accept-ranges": "bytes", etag };
  if (matchesTag(request.headers["if-none-match"], etag)) return emptyAnswer(304, { etag });

  const condition = request.headers["if-range"];
  const range = condition === undefined || condition === etag ? request.headers["range"] : undefined;
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/i.exec(range ?? "") ?? [];
  if (first === "" && last === "") return { status: 200, headers, body: bytes };

  const start = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1);
  if (start > end) return emptyAnswer(416, { "content-range": `bytes */${bytes.length}` });
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${bytes.length}` },
    body: bytes.subarray(start, end + 1),
  };
}

/** Compares entity tags weakly, as RFC 9110 §13.1.2 says for `If-None-Match`. */
function matchesTag(condition: string | undefined, etag: string): boolean {
  const tags = condition?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(etag) || tags.includes("*");
}

function xmlError(status: number, code: string, message: string): Answer {
  return {
    status,
    refusal: message,
    headers: { "content-type": "application/xml" },
    body: new TextEncoder().encode(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>\n`,
    ),
  };
}
