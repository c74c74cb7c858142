import { parseArgs } from "node:util";
import { isRegion, REGIONS, type Region } from "../base/region.js";

/** The arguments of the command. */
export interface CliArguments {
  readonly help: boolean;
  readonly port: number;
  readonly region: Region;
  /** Default: as in `startEmulator`. */
  readonly seed?: string;
  /** Default: as in `startEmulator`. */
  readonly accounts?: readonly string[];
  readonly login: "automatic" | "page";
}

/** The text that `--help` prints. */
export const USAGE: string = `Usage: talkdesk-emulator [options]

Runs a local Talkdesk on 127.0.0.1. Its tokens and credentials are fake.

  --port N        port of the identity host; gateways and files take the next five
                  (default: 4010; 0: any free ports)
  --seed TEXT     credentials and data follow from this text (default: talkdesk)
  --account NAME  name of an account; may be repeated (default: acme)
  --region R      region to print variables for: ${REGIONS.join(", ")} (default: us);
                  all regions are served
  --login HOW     automatic: sign the first user in, without a page;
                  page: show a page to choose a user on (default: automatic)
  --help          print this text
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
      port: { type: "string" },
      seed: { type: "string" },
      account: { type: "string", multiple: true },
      region: { type: "string" },
      login: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
    strict: true,
    allowPositionals: false,
  });
  const { port = "4010", region = "us", seed, account, login = "automatic", help = false } = values;
  if (!/^\d{1,5}$/.test(port)) throw new TypeError(`--port must be a port number, not '${port}'.`);
  if (!isRegion(region)) {
    throw new TypeError(`--region must be one of ${REGIONS.join(", ")}, not '${region}'.`);
  }
  if (login !== "automatic" && login !== "page") {
    throw new TypeError(`--login must be automatic or page, not '${login}'.`);
  }
  return {
    help,
    login,
    port: Number(port),
    region,
    ...(seed !== undefined && { seed }),
    ...(account !== undefined && { accounts: account }),
  };
}
