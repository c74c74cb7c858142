/** The facts of a request that its answer depends on. */
export interface RequestFacts {
  /** True for a browser that wants a page; false for a program, which accepts JSON or anything. */
  readonly wantsHtml: boolean;
  /** True when a person opens a page, and not when a form is sent or a script loads something. */
  readonly isNavigation: boolean;
  /** The path and the query of the request. */
  readonly url: string;
}

/** The part of a Web `Request` that is read; `url` may be a path without an origin. */
export interface ReadableRequest {
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** The URL, or its path and query. */
  readonly url: string;
  /** The headers, by name in any case. */
  readonly headers: { get(name: string): string | null };
}

/**
 * Reads from a request what {@link errorAnswer} and {@link loginRequired} need to know.
 *
 * @example
 * const answer = loginRequired({ ...readRequestFacts(request), login: "/auth/login" });
 * @see RFC 9110 §12.5.1; W3C, "Fetch Metadata Request Headers", §2
 */
export function readRequestFacts(request: ReadableRequest): RequestFacts {
  return {
    wantsHtml: prefersHtml(request.headers.get("Accept")),
    isNavigation: isNavigation(request),
    url: request.url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, ""),
  };
}

/** The types that programs ask for. A client that accepts one of these as readily as HTML counts as a program. */
const TYPES_OF_PROGRAMS = ["application/problem+json", "application/json"];

function prefersHtml(accept: string | null): boolean {
  if (accept === null) return false;
  const ranges = rangesIn(accept);
  const html = preferenceOf(ranges, "text/html");
  return html !== undefined && TYPES_OF_PROGRAMS.every((type) => isBefore(html, preferenceOf(ranges, type)));
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
  /** 2 for a type, 1 for all types of a kind, 0 for everything. */
  readonly precision: number;
  /** Its place in the header. */
  readonly place: number;
}

function rangesIn(accept: string): readonly MediaRange[] {
  return accept.split(",").map((range, place) => {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = weight === undefined ? 1 : Number.parseFloat(weight.slice(2));
    return {
      type: name,
      quality: Number.isNaN(quality) ? 0 : quality,
      precision: name === "*/*" ? 0 : name.endsWith("/*") ? 1 : 2,
      place,
    };
  });
}

/** The most precise range that names a type; undefined when the type is not acceptable. */
function preferenceOf(ranges: readonly MediaRange[], type: string): MediaRange | undefined {
  const kind = `${type.slice(0, type.indexOf("/"))}/*`;
  const [best] = ranges
    .filter((range) => [type, kind, "*/*"].includes(range.type))
    .sort((one, other) => other.precision - one.precision || other.quality - one.quality);
  return best !== undefined && best.quality > 0 ? best : undefined;
}

function isBefore(one: MediaRange, other: MediaRange | undefined): boolean {
  if (other === undefined) return true;
  const order = other.quality - one.quality || other.precision - one.precision || one.place - other.place;
  return order < 0;
}

/** The destinations of a navigation, as browsers name them. */
const PLACES_OF_PAGES = ["document", "iframe", "frame", "fencedframe", "embed", "object"];

/**
 * Browsers say what a request is for in `Sec-Fetch-Dest` and `Sec-Fetch-Mode`; where they do not, the method decides.
 * `Sec-Fetch-Mode` alone says nothing: the `fetch` of Node sends it, whatever it is used for.
 */
function isNavigation({ method, headers }: ReadableRequest): boolean {
  const isReading = method === "GET" || method === "HEAD";
  const [site, mode, place] = ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"].map((name) =>
    headers.get(name),
  );
  if (typeof place === "string") return isReading && PLACES_OF_PAGES.includes(place);
  return isReading && (typeof site !== "string" || typeof mode !== "string" || mode === "navigate");
}
