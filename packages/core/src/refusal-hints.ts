import type { TalkdeskClient } from "./client.js";
import { formEncoded } from "./client-authentication.js";
import type { TalkdeskError } from "./errors.js";
import type { Grant } from "./grant.js";
import { basicSecret } from "./sent-secrets.js";
import type { TokenResponse } from "./token-response.js";

/** How far the clocks may differ before it is worth saying. */
const CLOCK_TOLERANCE_MS = 30_000;

/**
 * What could be checked locally about a refusal, as whole sentences; nothing for other errors. Hints are guesses by
 * rule: each names a fact that was seen, and what it may mean.
 * @internal
 */
export function refusalHints({
  error,
  client,
  grant,
  sentHeaders,
  response,
  now,
}: {
  readonly error: TalkdeskError;
  readonly client: TalkdeskClient;
  readonly grant: Grant;
  readonly sentHeaders: Headers;
  readonly response: TokenResponse;
  readonly now: number;
}): readonly string[] {
  if (error.code !== "client_refused" && error.code !== "request_refused") return [];
  const hints: string[] = [];
  if (error.code === "client_refused") {
    hints.push(
      `The request went to ${new URL(client.endpoints.token).host}: a client exists in one account and one region only.`,
    );
    const secret = basicSecret(sentHeaders.get("authorization")?.replace(/^basic +/i, "") ?? "");
    if (secret !== undefined && secret !== formEncoded(secret) && !secret.includes("%")) {
      hints.push(
        'The client secret has characters that encodings change: if it is right, try clientSecretBasic with encoding: "form".',
      );
    }
    if (secret !== undefined && secret.trim() !== secret) {
      hints.push("The client secret begins or ends with a space.");
    }
  }
  const scope = "scope" in grant ? grant.scope : undefined;
  if (scope !== undefined && (response.status === 401 || error.error === "invalid_scope")) {
    hints.push(
      "A scope that was added to the client minutes ago may not be effective yet: it takes a few minutes.",
    );
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  const offsetMs = now - date;
  // NaN compares false; a date in another year is a broken server, not a clock that is off.
  if (Math.abs(offsetMs) > CLOCK_TOLERANCE_MS && Math.abs(offsetMs) < 366 * 86_400_000) {
    hints.push(
      `This machine's clock is ${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs > 0 ? "ahead of" : "behind"} the server's.`,
    );
  }
  return hints;
}
