import type { Request, Response } from "express";
import type { Html } from "./html.js";

/** Answers with a page. What is on it is for one person at one moment, so nobody keeps it. */
export function sendPage(response: Response, page: Html, status = 200): void {
  response.status(status).set("Cache-Control", "no-store").type("html").send(page.toString());
}

/** One parameter of the query, cut; empty when it is missing. */
export function queryText({ url }: Request, name: string): string {
  const [, query = ""] = url.split(/\?(.*)/s);
  return (new URLSearchParams(query).get(name) ?? "").trim().slice(0, longest);
}

const longest = 100;
