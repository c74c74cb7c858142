/** How many calls a process makes at the same time: half as the app, half as the user. */
export const CALLS = 100;

/** What a process tells the command: at first where it is, then how many calls of a round were answered with 200. */
export interface Told {
  readonly origin?: string | undefined;
  readonly answered?: number;
}

/** Makes {@link CALLS} calls at the same time whenever the command says so, and tells how many were answered with 200. */
export function callWhenTold(asApp: typeof fetch, asUser: typeof fetch, origin?: string): void {
  const tell = (told: Told): void => void process.send?.(told);

  async function call(send: typeof fetch, path: string): Promise<boolean> {
    const response = await send(path);
    await response.arrayBuffer();
    return response.status === 200;
  }

  process.on("message", async () => {
    const calls = Array.from({ length: CALLS / 2 }, () => [
      call(asApp, "/contacts"),
      call(asUser, "/users/me"),
    ]);
    const results = await Promise.all(calls.flat());
    tell({ answered: results.filter(Boolean).length });
  });
  // The command has ended.
  process.once("disconnect", () => process.exit());
  tell({ origin });
}
