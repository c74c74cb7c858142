const major = Number(process.versions.node.split(".")[0]);

/** Suites of clients that do not run on the Node at hand: undici 8 needs Node 22. */
export const notForThisNode: readonly string[] = major < 22 ? ["**/*undici-8.test.ts"] : [];
