import { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import type { RequestHandler } from "express";
import { type App, openApp } from "./app.js";
import type { Framework } from "./served.js";

/** An app in which every request fails. */
export const openFailing = (
  framework: Framework,
  failing: (...args: Parameters<RequestHandler>) => unknown,
  options?: TalkdeskErrorHandlerOptions,
): Promise<App> =>
  openApp(framework, (app) => {
    app.use((request, response, next) => next(failing(request, response, next)));
    app.use(talkdeskErrorHandler(options));
  });
