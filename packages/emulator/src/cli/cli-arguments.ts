import { parseArgs } from "node:util";
import { isRegion, REGIONS, type Region } from "../base/region.js";
import type { EmulatorOptions } from "../emulator-options.js";
import type { Fault } from "../faults/fault.js";
import { readFault } from "./cli-fault.js";

/** The arguments of the command. */
export interface CliArguments {
  readonly help: boolean;
  /** The region to print variables for. */
  readonly region: Region;
  readonly faults: readonly Fault[];
  /** How often all access tokens are revoked, in milliseconds; undefined: never. */
  readonly revokeEveryMs: number | undefined;
  /** A module whose default export is the option `operations`. */
  readonly operationsFile: string | undefined;
  readonly options: EmulatorOptions;
}

/** The text that `--help` prints. */
export const USAGE: string = `Usage: talkdesk-emulator [options]

Runs a local Talkdesk on 127.0.0.1. Its tokens and credentials are fake.

  --port N            port of the identity host; gateways and files take the next five
                      (default: 4010; 0: any free ports)
  --seed TEXT         credentials and data follow from this text (default: talkdesk)
  --account NAME      name of an account; may be repeated (default: acme)
  --region R          region to print variables for: ${REGIONS.join(", ")} (default: us);
                      all regions are served
  --redirect-uri URI  where a login may lead back to; may be repeated
                      (default: http://localhost:3000/callback)
  --login HOW         automatic: sign the first user in, without a page;
                      page: show a page to choose a user on (default: automatic)
  --lifetime SECONDS  lifetime of access tokens (default: 599)
  --revoke SECONDS    revoke all access tokens every so often (default: never)
  --fault FAULT       PLACE:EFFECT or PLACE:EFFECT:TIMES; may be repeated.
                      PLACE: token, api, files, authorize, jwks, introspect, session;
                      EFFECT: a status from 400 to 599, reset, hang, lose, malformed,
                      or a delay such as 2000ms; TIMES: a number or always (default: 1)
  --lenient NAME      accept what the service does not document; may be repeated:
                      secret-in-body, grant-in-query, json-body, public-client,
                      bearer-service-token
  --operations FILE   a module whose default export lists operations of your own
  --tls               https, with a certificate made for this run
  --help              print this text

For example: talkdesk-emulator --fault token:503:2 --fault api:429
`;

/**
 * Reads the arguments of the command.
 *
 * @throws TypeError with a message for the person who typed them.
 */
export function readCliArguments(argv: readonly string[]): CliArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string", default: "4010" },
      seed: { type: "string" },
      account: { type: "string", multiple: true },
      region: { type: "string", default: "us" },
      "redirect-uri": { type: "string", multiple: true },
      login: { type: "string", default: "automatic" },
      lifetime: { type: "string" },
      revoke: { type: "string" },
      fault: { type: "string", multiple: true, default: [] },
      lenient: { type: "string", multiple: true },
      operations: { type: "string" },
      tls: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
    strict: true,
    allowPositionals: false,
  });
  const { port, seed, account, region, login, lifetime, revoke, lenient, tls } = values;
  if (!/^\d{1,5}$/.test(port)) throw new TypeError(`--port must be a port number, not '${port}'.`);
  if (!isRegion(region)) {
    throw new TypeError(`--region must be one of ${REGIONS.join(", ")}, not '${region}'.`);
  }
  if (login !== "automatic" && login !== "page") {
    throw new TypeError(`--login must be automatic or page, not '${login}'.`);
  }
  return {
    help: values.help,
    region,
    faults: values.fault.map(readFault),
    revokeEveryMs: revoke === undefined ? undefined : readSeconds("--revoke", revoke) * 1000,
    operationsFile: values.operations,
    options: {
      port: Number(port),
      login,
      tls,
      ...(seed !== undefined && { seed }),
      ...(account !== undefined && { accounts: account }),
      ...(values["redirect-uri"] !== undefined && { redirectUris: values["redirect-uri"] }),
      ...(lifetime !== undefined && { tokenLifetimeSeconds: readSeconds("--lifetime", lifetime) }),
      // The names are checked together with the other options.
      ...(lenient !== undefined && { lenient: lenient as NonNullable<EmulatorOptions["lenient"]> }),
    },
  };
}

function readSeconds(name: string, text: string): number {
  // Node's timers count at most 2^31 milliseconds.
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new TypeError(`${name} must be a number of seconds from 1 to 999999, not '${text}'.`);
  }
  return Number(text);
}
