/** Gives the media type of a `Content-Type` header: lower-case and without parameters; empty without a header. */
export function readMediaType(contentType: string | undefined): string {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Tells whether a media type is JSON, or a format that is written in JSON. */
export function isJson(mediaType: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json$/.test(mediaType);
}
