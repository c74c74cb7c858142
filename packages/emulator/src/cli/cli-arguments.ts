import { parseArgs } from "node:util";
import { isRegion, type Region, regions } from "../base/region.js";

/** What the command was asked to do. */
export interface CliArguments {
  readonly help: boolean;
  readonly port: number;
  readonly region: Region;
  /** Default: the emulator's. */
  readonly seed?: string;
  /** Default: the emulator's. */
  readonly accounts?: readonly string[];
  readonly login: "automatic" | "page";
}

/** How to use the command. */
export const usage: string = `Usage: talkdesk-emulator [options]

Serves a local Talkdesk on 127.0.0.1. Nothing it issues is real.

  --port N        port of the identity host, gateways and files on the next five (4010; 0: any free ports)
  --seed TEXT     what credentials and data are derived from (talkdesk)
  --account NAME  an account that exists; may be repeated (acme)
  --region R      ${regions.join(", ")}: whose gateway to print (us); all are served
  --login HOW     automatic: the first user, without asking; page: a page to choose on (automatic)
  --help          this text
`;

/**
 * Reads the arguments of the command.
 *
 * @throws TypeError with one sentence for the person who typed them.
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
  if (!/^\d{1,5}$/.test(port)) throw new TypeError(`--port takes a port number, not '${port}'.`);
  if (!isRegion(region)) throw new TypeError(`--region takes ${regions.join(", ")}, not '${region}'.`);
  if (login !== "automatic" && login !== "page") {
    throw new TypeError(`--login takes automatic or page, not '${login}'.`);
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
