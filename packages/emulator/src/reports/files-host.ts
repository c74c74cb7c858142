import { createHash } from "node:crypto";
import { isRegion, type Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { splitUrl } from "../base/split-url.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { Host } from "../wire/host-server.js";
import type { Directory } from "../world/directory.js";
import { makeReportFile } from "./report-file.js";
import type { PathSigner } from "./signed-path.js";

/** The dependencies of the files host. */
export interface FilesHostParts {
  readonly seed: Seed;
  readonly signer: PathSigner;
  readonly getDirectory: (region: Region, account: string) => Directory;
  /** How many rows the file of a report has. */
  readonly reportRows: number;
}

// Region, account and report.
const FILE_PATH = /^\/([a-z]+)\/([a-z0-9-]+)\/([0-9a-f]{32})\.csv$/;

/** Makes the host of report files. It serves signed URLs only, and takes no credentials in headers. */
export function makeFilesHost({ seed, signer, getDirectory, reportRows }: FilesHostParts): Host {
  // Files may be large, so only the last one is kept. A client that resumes a download asks for the same one again.
  let last: { readonly name: string; readonly file: Uint8Array } | undefined;

  function getFile(region: Region, account: string, id: string): Uint8Array {
    const name = `${region}/${account}/${id}`;
    if (last?.name !== name) {
      last = { name, file: makeReportFile(seed, getDirectory(region, account), id, reportRows) };
    }
    return last.file;
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
      const [, region, account, id] = FILE_PATH.exec(splitUrl(request.url).path) ?? [];
      if (!isRegion(region) || account === undefined || id === undefined || !signer.isValid(request.url)) {
        return xmlError(403, "AccessDenied", "The URL is not signed correctly, or has expired.");
      }
      return answerWithFile(request, getFile(region, account, id));
    },
  };
}

function answerWithFile(request: RequestRecord, file: Uint8Array): Answer {
  const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 32)}"`;
  const headers = { "content-type": "text/csv; charset=utf-8", "accept-ranges": "bytes", etag };
  if (matchesTag(request.headers["if-none-match"], etag)) return emptyAnswer(304, { etag });

  const condition = request.headers["if-range"];
  const range = condition === undefined || condition === etag ? request.headers["range"] : undefined;
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/i.exec(range ?? "") ?? [];
  if (first === "" && last === "") return { status: 200, headers, body: file };

  const start = first === "" ? Math.max(0, file.length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? file.length - 1 : Math.min(Number(last), file.length - 1);
  if (start > end) return emptyAnswer(416, { "content-range": `bytes */${file.length}` });
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${file.length}` },
    body: file.subarray(start, end + 1),
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
