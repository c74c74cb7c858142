import type { Request } from "express";

/** Longer than any name that people search for. */
const MAX_LENGTH = 100;

/** Reads one parameter of the query: trimmed, cut to 100 characters, empty when it is missing. */
export function readQuery({ url }: Request, name: string): string {
  const [, query = ""] = url.split(/\?(.*)/s);
  return (new URLSearchParams(query).get(name) ?? "").trim().slice(0, MAX_LENGTH);
}
