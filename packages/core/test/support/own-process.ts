import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const home = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** A folder with core in it as plain JavaScript, for scripts that run in processes of their own. */
export interface ScriptFolder extends Disposable {
  /** Starts a module that finds core's exports under `core`. */
  start(script: string, variables?: Record<string, string>): OwnProcess;
}

export interface OwnProcess {
  /** Stops the process by SIGSTOP: no code in it runs while time passes. */
  stop(): void;
  /** SIGCONT. */
  goOn(): void;
  /** Resolves when it has printed this line. */
  said(line: string): Promise<void>;
  /** Its exit code, or its signal, and the lines that it has printed. */
  readonly end: Promise<{
    readonly code: number | string;
    readonly lines: readonly string[];
    readonly stderr: string;
  }>;
}

export function scriptFolder(): ScriptFolder {
  const folder = mkdtempSync(join(tmpdir(), "core-"));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const name of readdirSync(join(home, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(home, "src", name), "utf8"), {
      compilerOptions,
    });
    const file = join(folder, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, outputText);
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(realpathSync(join(home, "node_modules/jose")), join(folder, "node_modules/jose"));
  let scripts = 0;
  const processes = new Set<ReturnType<typeof spawn>>();
  return {
    start(script, variables = {}) {
      scripts += 1;
      const file = join(folder, `script-${scripts}.mjs`);
      writeFileSync(file, `import * as core from "./index.js";\n${script}`);
      const child = spawn(process.execPath, [file], {
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
        stop: () => void child.kill("SIGSTOP"),
        goOn: () => void child.kill("SIGCONT"),
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
