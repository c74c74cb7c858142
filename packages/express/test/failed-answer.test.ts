import { TalkdeskError, type TalkdeskErrorCode } from "@talkdesk-oauth/core";
import type { Response } from "express";
import { describe, expect, it } from "vitest";
import { ACCEPT } from "./support/app.js";
import { openFailing } from "./support/failing-app.js";
import { frameworks } from "./support/served.js";

const fault = (code: TalkdeskErrorCode): TalkdeskError => new TalkdeskError(code, "failed");
const browser = { headers: { accept: ACCEPT.firefox } };

describe.each(frameworks)(
  "talkdeskErrorHandler() in %s, after a handler that had begun an answer",
  (_name, framework) => {
    const spoil = (response: Response): void => {
      response.status(206).set({
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=3600",
        "Content-Digest": "sha-256=:AAAA:",
        "Content-Disposition": 'attachment; filename="calls.csv"',
        "Content-Encoding": "gzip",
        "Content-Language": "pt",
        "Content-Length": "123456",
        "Content-Location": "/calls.csv",
        "Content-Range": "bytes 0-1/2",
        "Content-Type": "text/csv",
        ETag: '"calls"',
        Expires: "Thu, 01 Jan 2037 00:00:00 GMT",
        "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        Location: "/elsewhere",
        "Repr-Digest": "sha-256=:AAAA:",
        "Retry-After": "100",
        Trailer: "Expires",
      });
    };

    it.each(["GET", "HEAD", "POST"])(
      "drops the headers of the content that the handler had set, for %s",
      async (method) => {
        await using app = await openFailing(framework, ({ path }, response) => {
          spoil(response);
          return fault(path === "/503" ? "token_unavailable" : "token_network");
        });
        for (const accept of [ACCEPT.json, ACCEPT.chrome]) {
          const { status, headers, text } = await app.ask("/502", {
            method,
            headers: { accept, "if-none-match": '"calls"', range: "bytes=0-1" },
          });
          expect(status).toBe(502);
          const named = Object.keys(headers).filter((name) =>
            /^(content-|location|expires|last|repr|retry|acc|trai)/.test(name),
          );
          expect(named.sort()).toEqual([
            "content-length",
            ...(accept === ACCEPT.chrome ? ["content-security-policy"] : []),
            "content-type",
          ]);
          expect(headers["cache-control"]).toBe("no-store");
          expect(headers.etag).not.toBe('"calls"');
          if (method !== "HEAD") expect(headers["content-length"]).toBe(String(Buffer.byteLength(text)));
          const waiting = await app.ask("/503", { method, headers: { accept } });
          expect(waiting.headers["retry-after"]).toBe("5");
        }
      },
    );

    it("drops the Transfer-Encoding that the handler had set", async () => {
      await using app = await openFailing(framework, (_request, response) => {
        response.set("Transfer-Encoding", "chunked");
        return fault("token_network");
      });
      for (const method of ["GET", "HEAD"]) {
        const { status, headers } = await app.ask("/", { method });
        expect([status, headers["transfer-encoding"]]).toEqual([502, undefined]);
      }
    });

    it("keeps cookies, and headers that are not about the content", async () => {
      const kept = {
        "set-cookie": ["session=s; Path=/", "other=o"],
        "strict-transport-security": "max-age=1",
        "content-security-policy-report-only": "default-src 'self'",
        "x-request-id": "r",
      };
      await using app = await openFailing(framework, (_request, response) => {
        response.set({ ...kept, "Content-Security-Policy": "default-src 'self'", Vary: "Origin" });
        return fault("source_closed");
      });
      const problem = await app.ask("/");
      expect(problem.headers).toMatchObject({ ...kept, vary: "Origin, Accept" });
      expect(problem.headers["content-security-policy"]).toBe("default-src 'self'");
      const page = await app.ask("/", browser);
      expect(page.headers).toMatchObject({ ...kept, vary: "Origin, Accept" });
      // That of the page is stricter.
      expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none'/);
    });
  },
);
