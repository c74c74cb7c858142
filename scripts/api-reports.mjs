// `npm run api` writes the signatures of what each package exports into its folder `etc`. Without `--write`, fails where a
// report differs from the build. Both fail where a signature names a type that its package does not export, and where
// TypeScript, with the libraries ES2022 and DOM, finds an error in the types of a package for Web runtimes.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { root } from "./workspace.mjs";

/** The packages for Web runtimes. Their types are read without those of Node. */
const FOR_THE_WEB = ["core", "fetch", "login", "hono"];

/** Messages of API Extractor that say what this script says better, or nothing. */
const SILENT = ["console-preamble", "console-compiler-version-notice", "console-api-report-not-copied"];

const isWriting = process.argv.includes("--write");
const scratch = mkdtempSync(join(tmpdir(), "talkdesk-oauth-"));

/** @param {string} name @param {readonly string[]} types */
function configure(name, types) {
  const projectFolder = `${root}/packages/${name}`;
  mkdirSync(`${projectFolder}/etc`, { recursive: true });
  const { none, error } = {
    none: { logLevel: ExtractorLogLevel.None },
    error: { logLevel: ExtractorLogLevel.Error },
  };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: `${projectFolder}/package.json`,
    configObject: {
      projectFolder,
      mainEntryPointFilePath: `${projectFolder}/dist/index.d.ts`,
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "ES2022",
            lib: ["ES2022", "DOM"],
            types,
            module: "NodeNext",
            strict: true,
            exactOptionalPropertyTypes: true,
            // TypeScript's own libraries, and the types of Node, are as they are.
            skipDefaultLibCheck: true,
            skipLibCheck: types.includes("node"),
            noEmit: true,
          },
          files: ["dist/index.d.ts"],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: `${projectFolder}/etc`,
        reportTempFolder: scratch,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        compilerMessageReporting: { default: error },
        extractorMessageReporting: {
          default: error,
          // All that is exported is public. The docstrings are the business of `npm run reference`.
          "ae-missing-release-tag": none,
          "ae-undocumented": none,
          "ae-unresolved-link": none,
        },
        tsdocMessageReporting: { default: none },
      },
    },
  });
}

/**
 * Writes or checks the reports of some packages, which are read together.
 * @param {readonly string[]} names
 * @param {readonly string[]} types What `types` of a tsconfig.json is.
 */
function report(names, types) {
  const configs = names.map((name) => configure(name, types));
  const additionalEntryPoints = configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath);
  const compilerState = CompilerState.create(configs[0], { additionalEntryPoints });
  return configs.map((config) => {
    const { succeeded, apiReportChanged } = Extractor.invoke(config, {
      compilerState,
      localBuild: isWriting,
      printApiReportDiff: !isWriting,
      messageCallback(message) {
        if (SILENT.includes(message.messageId)) message.handled = true;
      },
    });
    return { succeeded, apiReportChanged };
  });
}

try {
  const all = readdirSync(`${root}/packages`).filter((name) =>
    existsSync(`${root}/packages/${name}/package.json`),
  );
  const results = [
    ...report(FOR_THE_WEB, []),
    ...report(
      all.filter((name) => !FOR_THE_WEB.includes(name)),
      ["node"],
    ),
  ];
  const isOutdated = !isWriting && results.some(({ apiReportChanged }) => apiReportChanged);
  if (isOutdated) {
    console.log(
      "The public surface of a package has changed. `npm run api` writes the reports anew: review and commit them.",
    );
  }
  process.exitCode = isOutdated || results.some(({ succeeded }) => !succeeded) ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true });
}
