import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { Driver } from "./drivers.js";

const home = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** A folder with the package in it as plain JavaScript, for scripts that run in processes of their own. */
export interface ScriptFolder extends Disposable {
  /**
   * Starts a module that finds in scope: `sqliteStore`; a `database`, open on the file; `options`; and `say`, which
   * prints a line at once.
   */
  start(
    script: string,
    on: { readonly driver: Driver; readonly file: string; readonly options?: object },
  ): OwnProcess;
}

interface OwnProcess {
  /** SIGKILL. */
  kill(): void;
  /** Resolves when it has printed this line. */
  said(line: string): Promise<void>;
  /** Its exit code, or its signal, and the lines that it has printed. */
  readonly end: Promise<{
    readonly code: number | string;
    readonly lines: readonly string[];
    readonly stderr: string;
  }>;
}

const PREAMBLE = `
  import { existsSync, readFileSync, writeSync } from "node:fs";
  import { createRequire } from "node:module";
  import { setTimeout as sleep } from "node:timers/promises";
  import { sqliteStore } from "./index.js";
  const { HOME, DRIVER, FILE, OPTIONS } = process.env;
  const driver = createRequire(HOME + "/package.json")(DRIVER);
  const database = new (driver.DatabaseSync ?? driver)(FILE);
  const options = JSON.parse(OPTIONS);
  const say = (line) => writeSync(1, line + "\\n");
`;

export function scriptFolder(): ScriptFolder {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-script-"));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const name of readdirSync(join(home, "src"))) {
    const source = readFileSync(join(home, "src", name), "utf8");
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    writeFileSync(join(folder, name.replace(/\.ts$/, ".js")), outputText);
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  let scripts = 0;
  const processes = new Set<ReturnType<typeof spawn>>();
  return {
    start(script, { driver, file, options = {} }) {
      scripts += 1;
      const path = join(folder, `script-${scripts}.mjs`);
      writeFileSync(path, PREAMBLE + script);
      const variables = { HOME: home, DRIVER: driver.name, FILE: file, OPTIONS: JSON.stringify(options) };
      const child = spawn(process.execPath, [path], {
        env: { ...process.env, ...variables },
        stdio: ["ignore", "pipe", "pipe"],
      });
      processes.add(child);
      const lines: string[] = [];
      const watchers = new Set<() => void>();
      const changed = (): void => {
        for (const watcher of watchers) watcher();
      };
      createInterface({ input: child.stdout }).on("line", (line) => {
        lines.push(line);
        changed();
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      const end = once(child, "close").then(([code, signal]) => {
        processes.delete(child);
        return { code: (code ?? signal) as number | string, lines, stderr };
      });
      void end.then(changed);
      return {
        kill: () => void child.kill("SIGKILL"),
        said: (line) =>
          new Promise((resolve, reject) => {
            const watcher = (): void => {
              const isOver = child.exitCode !== null || child.signalCode !== null;
              if (lines.includes(line)) resolve();
              else if (isOver)
                reject(new Error(`It ended and did not say ${line}: ${lines.join("; ")} ${stderr}`));
              else return;
              watchers.delete(watcher);
            };
            watchers.add(watcher);
            watcher();
          }),
        end,
      };
    },
    [Symbol.dispose]() {
      for (const child of processes) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
