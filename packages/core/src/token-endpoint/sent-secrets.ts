import { decodeBase64, decodeForm, encodeBase64, encodeForm, stripPadding } from "../base/encodings.js";

/** Parameters of a token request that are not secret. All others are masked, also those of a new grant. */
const PUBLIC_PARAMETERS = new Set([
  "grant_type",
  "scope",
  "token_type",
  "expires_in",
  "redirect_uri",
  "client_id",
  "client_assertion_type",
]);
/** Headers of a token request that are not secret. */
const PUBLIC_HEADERS = new Set(["accept", "content-type", "user-agent"]);

/** The shortest run of characters that is masked. Shorter ones reveal little, and occur in ordinary words. */
const SHORTEST_RUN = 8;

/**
 * Creates a function that masks, in any text, the secrets of one request: every run of eight characters and more that
 * the text shares with a secret or one of its encodings. So a text that was cut or assembled reveals no more than seven
 * characters in a row. A secret of fewer characters is masked where it occurs whole.
 *
 * The secrets are read from the request, so that any client authentication is covered. The time that masking takes is
 * proportional to the length of the text.
 * @internal
 */
export function createMask(
  headers: Headers,
  body: URLSearchParams,
  alsoSecret: readonly string[] = [],
): (text: string) => string {
  const secrets = [...alsoSecret];
  for (const [name, value] of body) if (!PUBLIC_PARAMETERS.has(name)) secrets.push(value);
  for (const [name, value] of headers) {
    if (PUBLIC_HEADERS.has(name)) continue;
    const { scheme, credentials } = splitCredentials(value) ?? { scheme: "", credentials: value };
    secrets.push(credentials, stripPadding(credentials));
    const secret = scheme.toLowerCase() === "basic" ? readBasicSecret(credentials) : undefined;
    if (secret !== undefined) secrets.push(secret, decodeForm(secret));
  }
  // Collected when first needed: most answers contain no text to mask.
  let traces: Traces | undefined;
  return (text) => {
    if (text === "") return text;
    traces ??= collectTraces(secrets);
    const shown = hideTraces(text, traces);
    // Leaves an empty RegExp.lastMatch, which would otherwise show the last text that matched.
    /^/.test("");
    return shown;
  };
}

/**
 * Splits an `Authorization` header into scheme and credentials. Undefined for a bare token.
 * @internal
 */
export function splitCredentials(
  header: string,
): { readonly scheme: string; readonly credentials: string } | undefined {
  const end = header.indexOf(" ");
  const credentials = end < 0 ? "" : header.slice(end).trim();
  return end <= 0 || credentials === "" ? undefined : { scheme: header.slice(0, end), credentials };
}

/** The texts that reveal a secret. */
interface Traces {
  /** Every run of {@link SHORTEST_RUN} characters of every form, in lower case. */
  readonly runs: ReadonlySet<string>;
  /** The shorter forms. Their case counts, since they could occur in ordinary words otherwise. */
  readonly short: ReadonlySet<string>;
}

function collectTraces(secrets: readonly string[]): Traces {
  const runs = new Set<string>();
  const short = new Set<string>();
  for (const form of new Set(secrets.flatMap((secret) => (secret === "" ? [] : listForms(secret))))) {
    if (form.length < SHORTEST_RUN && form !== "") short.add(form);
    const lower = form.length < SHORTEST_RUN ? "" : foldCase(form);
    for (let at = 0; at + SHORTEST_RUN <= lower.length; at++) runs.add(lower.slice(at, at + SHORTEST_RUN));
  }
  return { runs, short };
}

/** A text, as received or decoded, with the place in the received text that each of its characters comes from. */
interface Reading {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** How many layers of escapes are decoded, such as JSON within a URL. */
const MOST_READINGS = 3;

function hideTraces(text: string, traces: Traces): string {
  const from = Array.from({ length: text.length }, (_, at) => at);
  let reading: Reading | undefined = { text, from, to: from.map((at) => at + 1) };
  const found: [number, number][] = [];
  for (let readings = 0; reading !== undefined && readings < MOST_READINGS; readings++) {
    const { from, to } = reading;
    for (const [start, end] of findTraces(reading.text, traces)) {
      found.push([from[start] ?? 0, to[end - 1] ?? text.length]);
    }
    reading = decodeEscapes(reading);
  }
  let masked = "";
  let shown = 0;
  for (const [start, end] of found.sort(([a], [b]) => a - b)) {
    if (start >= shown) masked += `${text.slice(shown, start)}***`;
    shown = Math.max(shown, end);
  }
  return masked + text.slice(shown);
}

/** Yields where a text shows traces. Runs that overlap are one. */
function* findTraces(text: string, { runs, short }: Traces): Generator<readonly [number, number]> {
  const lower = foldCase(text);
  let start = 0;
  let end = 0;
  for (let at = 0; at + SHORTEST_RUN <= lower.length; at++) {
    if (!runs.has(lower.slice(at, at + SHORTEST_RUN))) continue;
    if (at >= end) {
      if (end > 0) yield [start, end];
      start = at;
    }
    end = at + SHORTEST_RUN;
  }
  if (end > 0) yield [start, end];
  for (const form of short) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length)) {
      yield [at, at + form.length];
    }
  }
}

/** Lower-cases a text without changing its length, so that places stay the same. */
function foldCase(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  let lower = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charAt(at);
    const folding = unit.toLowerCase();
    lower += folding.length === 1 ? folding : unit;
  }
  return lower;
}

/** One escaped character: of a URL (in UTF-8), of HTML, of JSON or of a string in source code. */
const ESCAPE =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-7](?:%[89ab][\da-f]){3}|&#\d{1,7};|&#x[\da-f]{1,6};|&(?:amp|lt|gt|quot|apos);|\\u[\da-f]{4}|\\x[\da-f]{2}|\\["'\\/bfnrt]/gi;

const NAMED: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "\\b": "\b",
  "\\f": "\f",
  "\\n": "\n",
  "\\r": "\r",
  "\\t": "\t",
};

function unescapeSequence(sequence: string): string {
  const name = sequence.toLowerCase();
  if (name.startsWith("%")) {
    try {
      return decodeURIComponent(sequence);
    } catch {
      return sequence;
    }
  }
  const digits = /^(?:&#x|\\u|\\x)([\da-f]+)/.exec(name)?.[1];
  const number = digits !== undefined ? Number.parseInt(digits, 16) : Number(/^&#(\d+)/.exec(name)?.[1]);
  if (number <= 0x10ffff) return String.fromCodePoint(number);
  return NAMED[name] ?? sequence.slice(1);
}

/** Decodes every escape once. Undefined when there is no escape. */
function decodeEscapes({ text, from, to }: Reading): Reading | undefined {
  const parts: string[] = [];
  const origin = { from: [] as number[], to: [] as number[] };
  let copied = 0;
  const copy = (until: number): void => {
    parts.push(text.slice(copied, until));
    for (let at = copied; at < until; at++) {
      origin.from.push(from[at] ?? 0);
      origin.to.push(to[at] ?? 0);
    }
  };
  for (const { 0: sequence, index } of text.matchAll(ESCAPE)) {
    copy(index);
    copied = index + sequence.length;
    const character = unescapeSequence(sequence);
    parts.push(character);
    for (let unit = 0; unit < character.length; unit++) {
      origin.from.push(from[index] ?? 0);
      origin.to.push(to[copied - 1] ?? 0);
    }
  }
  if (copied === 0) return undefined;
  copy(text.length);
  return { text: parts.join(""), ...origin };
}

/** Lists the encodings in which a secret may occur in an answer, or in the error of a client. */
function listForms(secret: string): readonly string[] {
  const bytes = new TextEncoder().encode(secret);
  // Without lone surrogates, which no encoding can represent.
  const text = new TextDecoder().decode(bytes);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  return [
    secret,
    ...listJsonForms(text),
    ...listHtmlForms(text),
    encodeURIComponent(text),
    encodeURIComponent(encodeURIComponent(text)),
    encodeForm(text),
    `%${hex.join("%")}`,
    ...(hex.length < SHORTEST_RUN / 2 ? [] : [hex.join(""), hex.join(" ")]),
    ...listBase64Forms(text),
  ];
}

const escapeCharacters = (text: string, characters: RegExp, written: (code: number) => string): string =>
  text.replace(characters, (character) => written(character.charCodeAt(0)));

/** JSON as different libraries write it. */
function listJsonForms(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const unicode = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;
  const ascii = escapeCharacters(plain, /[^\x20-\x7e]/g, unicode);
  return [plain, ascii].flatMap((json) => [
    json,
    json.replaceAll("/", "\\/"),
    escapeCharacters(json, /[<>&'+]/g, unicode),
  ]);
}

function listHtmlForms(text: string): readonly string[] {
  const named = text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
  const decimal = (code: number): string => `&#${code};`;
  const hexadecimal = (code: number): string => `&#x${code.toString(16)};`;
  return [
    named.replaceAll("'", "&#39;"),
    named.replaceAll("'", "&#039;"),
    named.replaceAll("'", "&apos;"),
    escapeCharacters(named, /['/`=]/g, hexadecimal),
    escapeCharacters(text, /[^\da-z]/gi, decimal),
    escapeCharacters(text, /[^\da-z]/gi, hexadecimal),
  ];
}

/** Alone, and within a longer text: three bytes are four characters, so there are three alignments. */
function listBase64Forms(text: string): readonly string[] {
  const length = new TextEncoder().encode(text).length;
  const within = [1, 2].map((before) =>
    encodeBase64(`${"-".repeat(before)}${text}`).slice(before + 1, Math.floor(((before + length) * 4) / 3)),
  );
  return [stripPadding(encodeBase64(text)), ...within.filter((form) => form.length >= SHORTEST_RUN)].flatMap(
    (form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")],
  );
}

/**
 * Reads the secret from the credentials of a Basic header. Undefined for other credentials.
 * @internal
 */
export function readBasicSecret(credentials: string): string | undefined {
  const bytes = decodeBase64(credentials);
  const pair = new TextDecoder().decode(bytes);
  return bytes !== undefined && pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined;
}
