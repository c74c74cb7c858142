// `node check.cjs VERSION MODES`: checks this project with one TypeScript, once for each mode of `MODES`, and prints as JSON what
// is wrong in each. One process for all modes takes a third of the time of as many compilers.
const { join } = require("node:path");

const [version, modes] = process.argv.slice(2);
const ts = require(`typescript-${version}`);

/** The declaration files that were parsed already, by what parsing depends on. */
const parsed = new Map();

console.log(JSON.stringify(JSON.parse(modes).map(findFaults)));

/**
 * What is wrong in one mode: in the options, in the project's own files, and in the declarations of the packages. The
 * declarations of others are read, but not checked.
 */
function findFaults({ folder, options: names }) {
  const config = ts.getParsedCommandLineOfConfigFile(join(__dirname, folder, "tsconfig.json"), {}, ts.sys);
  const given = ts.convertCompilerOptionsFromJson(names, __dirname);
  const options = { ...config.options, ...given.options };
  const program = ts.createProgram(config.fileNames, options, makeHost(options));
  const checked = program.getSourceFiles().filter(({ fileName }) => isChecked(fileName));
  return [
    ...config.errors,
    ...given.errors,
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...checked.flatMap((file) => program.getSemanticDiagnostics(file)),
  ].map(describeFault);
}

function isChecked(path) {
  return !path.includes("/node_modules/") || path.includes("/node_modules/@talkdesk-oauth/");
}

function makeHost(options) {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (path, how, ...rest) => {
    if (!/\.d\.[cm]?ts$/.test(path)) return getSourceFile(path, how, ...rest);
    const key = [path, how.languageVersion, how.impliedNodeFormat].join();
    if (!parsed.has(key)) parsed.set(key, getSourceFile(path, how, ...rest));
    return parsed.get(key);
  };
  return host;
}

function describeFault({ file, messageText }) {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  return file ? `${file.fileName}: ${text}` : text;
}
