/** Ends `load`, as in SvelteKit: by an error that the framework answers. */
export function redirect(status: number, location: string): never {
  throw Object.assign(new Error("Redirect"), { status, location });
}

/** Ends `load` with an error page. */
export function error(status: number, message: string): never {
  throw Object.assign(new Error(message), { status });
}
