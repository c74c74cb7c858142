import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface Ended {
  readonly code: number;
  /** What the command printed, errors included. */
  readonly said: string;
}

/** Variables of the npm or pnpm that runs the tests, except those that say how to reach the machine's registry. */
const ofCaller =
  /^p?npm_(?!config_(?:registry|userconfig|globalconfig|cache|cafile|proxy|https_proxy|noproxy)$)/i;

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  // npm ignores the case of these names, so what is given replaces what is inherited in any case.
  const given = new Set(Object.keys(env).map((name) => name.toLowerCase()));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !ofCaller.test(name) && !given.has(name.toLowerCase()),
  );
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    env: { ...Object.fromEntries(inherited), NODE_OPTIONS: "", ...env },
  });
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, said: `${out}${error}`.trim() };
}

/** Runs a command that has to end with 0, and resolves to what it printed. */
export async function succeed(...call: Parameters<typeof run>): Promise<string> {
  const { code, said } = await run(...call);
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(" ")} ended with ${code}:\n${said}`);
  return said;
}
