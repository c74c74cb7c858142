import type { RequestHandler } from "express";

const reading = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses with 403 what changes something and comes from a page of another origin.
 *
 * Browsers say where a request comes from, in `Sec-Fetch-Site` or at least in `Origin`. Who says neither is no browser,
 * and has no cookie that a stranger could make use of.
 *
 * @param refuse Answers such a request.
 */
export function sameOrigin(origin: string, refuse: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const site = request.get("Sec-Fetch-Site");
    const from = request.get("Origin");
    const isOurs = site === undefined ? from === undefined || from === origin : site === "same-origin";
    if (reading.includes(request.method) || isOurs) next();
    else refuse(request, response, next);
  };
}
