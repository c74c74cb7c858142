/** Ends the page, as in Next: by an error that the framework answers. */
export function redirect(location: string): never {
  throw Object.assign(new Error("NEXT_REDIRECT"), { status: 307, location });
}
