import { isSameOrigin } from "@talkdesk-oauth/login";
import type { RequestHandler } from "express";

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses requests that change something and come from a page of another origin (cross-site request forgery).
 *
 * @param refuse Answers such a request.
 */
export function requireSameOrigin(origin: string, refuse: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const headers = { get: (name: string) => request.get(name) ?? null };
    if (SAFE_METHODS.includes(request.method) || isSameOrigin({ headers }, origin)) next();
    else refuse(request, response, next);
  };
}
