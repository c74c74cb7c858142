import { parseUrl } from "@talkdesk-oauth/core";
import type { RequestHandler } from "express";

const reading = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses with 403 what changes something and comes from a page of another origin.
 *
 * Browsers say where a request comes from: in `Sec-Fetch-Site`, or at least in `Origin` or `Referer`. A client that sends
 * none of them is not a browser, so no other site can be using its cookies.
 *
 * @param refuse Answers such a request.
 */
export function sameOrigin(origin: string, refuse: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const site = request.get("Sec-Fetch-Site");
    const from = request.get("Origin");
    const page = request.get("Referer");
    const isOurs =
      site !== undefined
        ? site === "same-origin"
        : from !== undefined
          ? from === origin
          : page === undefined || parseUrl(page)?.origin === origin;
    if (reading.includes(request.method) || isOurs) next();
    else refuse(request, response, next);
  };
}
