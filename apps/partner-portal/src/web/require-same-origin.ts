import { parseUrl } from "@talkdesk-oauth/core";
import type { RequestHandler } from "express";

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses requests that change something and come from a page of another origin (cross-site request forgery).
 *
 * Browsers name the sender in `Sec-Fetch-Site`, or at least in `Origin` or `Referer`. A client that sends none of them is
 * not a browser, so no other site can be using its cookies.
 *
 * @param refuse Answers such a request.
 */
export function requireSameOrigin(origin: string, refuse: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const site = request.get("Sec-Fetch-Site");
    const sender = request.get("Origin");
    const page = request.get("Referer");
    const isOurs =
      site !== undefined
        ? site === "same-origin"
        : sender !== undefined
          ? sender === origin
          : page === undefined || parseUrl(page)?.origin === origin;
    if (SAFE_METHODS.includes(request.method) || isOurs) next();
    else refuse(request, response, next);
  };
}
