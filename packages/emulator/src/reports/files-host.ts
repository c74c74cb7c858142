import { createHash } from "node:crypto";
import { isRegion, type Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { type Answer, emptyAnswer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { Host } from "../wire/host-server.js";
import type { Directory } from "../world/directory.js";
import { reportFile } from "./report-file.js";
import type { PathSigner } from "./signed-path.js";

/** What the files host works with. */
export interface FilesHostParts {
  readonly seed: Seed;
  readonly signer: PathSigner;
  readonly directoryOf: (region: Region, account: string) => Directory;
  /** How many rows a report has. */
  readonly reportRows: number;
}

const filePath = /^\/([a-z]+)\/([a-z0-9-]+)\/([0-9a-f]{32})\.csv$/;

/** Makes the host that report files are fetched from: signed addresses only, and no credentials in headers. */
export function filesHost({ seed, signer, directoryOf, reportRows }: FilesHostParts): Host {
  // Only the last one, since files may be large; whoever resumes asks for the same one again.
  let last: { readonly name: string; readonly file: Uint8Array } | undefined;

  function fileOf(region: Region, account: string, id: string): Uint8Array {
    const name = `${region}/${account}/${id}`;
    if (last?.name !== name) {
      last = { name, file: reportFile(seed, directoryOf(region, account), id, reportRows) };
    }
    return last.file;
  }

  return {
    foreignHost: problem(404, "NoSuchHost", "The Host header names another host."),
    destination({ path }) {
      const [, region, account] = filePath.exec(path) ?? [];
      return isRegion(region) && account !== undefined ? { to: "files", region, account } : { to: "files" };
    },
    answer(request): Answer {
      // What object stores do with a signed address and a header: it shows when a token has leaked to this origin.
      if (request.headers["authorization"] !== undefined) {
        return problem(
          400,
          "InvalidArgument",
          "An Authorization header and a signed address exclude each other.",
        );
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        return problem(405, "MethodNotAllowed", "Files are read with GET.");
      }
      const [, region, account, id] = filePath.exec(request.url.split("?", 1)[0] ?? "") ?? [];
      if (!isRegion(region) || account === undefined || id === undefined || !signer.isValid(request.url)) {
        return problem(403, "AccessDenied", "The address is not signed, or has expired.");
      }
      return fileAnswer(request, fileOf(region, account, id));
    },
  };
}

function fileAnswer(request: RequestRecord, file: Uint8Array): Answer {
  const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 32)}"`;
  const headers = { "content-type": "text/csv; charset=utf-8", "accept-ranges": "bytes", etag };
  if (isOneOf(request.headers["if-none-match"], etag)) return emptyAnswer(304, { etag });

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

/** Compares weakly: `W/` makes no difference (RFC 9110 §13.1.2). */
function isOneOf(condition: string | undefined, etag: string): boolean {
  const tags = condition?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(etag) || tags.includes("*");
}

function problem(status: number, code: string, message: string): Answer {
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: new TextEncoder().encode(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>\n`,
    ),
  };
}
