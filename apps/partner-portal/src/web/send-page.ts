import type { Response } from "express";
import type { Html } from "./html.js";

/** Answers with a page. Browsers and proxies do not store it, since it is for one person. */
export function sendPage(response: Response, page: Html, status = 200): void {
  response.status(status).set("Cache-Control", "no-store").type("html").send(page.toString());
}
