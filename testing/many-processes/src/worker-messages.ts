/** The variable with the settings of a worker, as JSON. */
export const SETTINGS_VARIABLE = "WORKER_SETTINGS";

/** The settings that the parent process has given. */
export const settingsOfWorker = <Settings>(): Settings =>
  JSON.parse(process.env[SETTINGS_VARIABLE] ?? "{}") as Settings;

/** Sends a message to the parent process; drops it when that is gone. */
export function sendToParent(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}
