/** Finds a Chromium or Chrome: the one that `CHROME_PATH` names, or one on the `PATH`; undefined when there is none. */
export declare function findBrowser(env?: NodeJS.ProcessEnv): string | undefined;
