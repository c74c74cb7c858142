// `npm run reference` writes the API reference of all packages, from their docstrings, into docs/reference. With `--check` it
// writes nothing. Both fail on a public name without a docstring, a type that is not exported, and a link that leads nowhere.
import { readFileSync } from "node:fs";
import { Application, Comment, CommentTag, Converter, MinimalSourceFile, ReflectionKind } from "typedoc";
import { root } from "./workspace.mjs";

/** In the order of the reference. */
const PACKAGES = [
  ...["core", "fetch", "axios", "undici"],
  ...["login", "express", "hono", "fastify"],
  ...["sqlite", "redis", "emulator", "conformance"],
];

/** The headings of a package's page, in their order, and the beginnings of the paths of what stands under each. */
const HEADINGS = {
  "Clients and their authentication": ["core/src/client", "core/src/keys"],
  "Sources of tokens": ["core/src/source", "core/src/token/lifecycle-options"],
  Tokens: [
    "core/src/token/access-token",
    "core/src/token/token-source",
    "core/src/token/grant",
    "core/src/token-endpoint",
  ],
  Stores: ["core/src/store", "conformance/src/store"],
  Logins: ["core/src/authorization", "login/src/login.ts", "login/src/routes", "conformance/src/login"],
  "Who is signed in": ["login/src/tokens"],
  Sessions: ["login/src/session"],
  Errors: ["core/src/base/errors"],
  Events: ["core/src/token/token-event"],
  Answers: ["login/src/answers"],
  "For the package of a framework": ["login/src"],
  "For an adapter or a store of your own": ["core/src"],
  Adapters: ["conformance/src/adapter"],
  Faults: ["emulator/src/faults"],
  "Operations of the API": ["emulator/src/gateway"],
  "Clients, users and tokens": ["emulator/src/world", "emulator/src/identity"],
  "Requests that were received": ["emulator/src/message", "emulator/src/wire"],
  "The emulator": ["emulator/src"],
};

const isChecking = process.argv.includes("--check");
const { repository } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const sources = `${repository.url.replace(/^git\+|\.git$/g, "")}/blob/main`;

const app = await Application.bootstrap({
  name: "talkdesk-oauth",
  entryPoints: PACKAGES.map((name) => `${root}/packages/${name}/src/index.ts`),
  tsconfig: `${root}/scripts/tsconfig.reference.json`,
  // `npm run types` finds errors of types.
  skipErrorChecking: true,
  readme: "none",
  disableGit: true,
  sourceLinkTemplate: `${sources}/{path}#L{line}`,
  basePath: root,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  sort: ["kind", "source-order"],
  // What one calls comes before the types of its arguments.
  kindSortOrder: ["Function", "Class", "Variable", "Interface", "TypeAlias"],
  sortEntryPoints: false,
  categorizeByGroup: false,
  categoryOrder: Object.keys(HEADINGS),
  navigation: { includeCategories: true, includeFolders: false },
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  packagesRequiringDocumentation: PACKAGES.map((name) => `@talkdesk-oauth/${name}`),
  requiredToBeDocumented: [
    "Class",
    "Interface",
    "Property",
    "Method",
    "Function",
    "TypeAlias",
    "Variable",
    "Accessor",
  ],
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
});

app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  const read = (/** @type {string} */ path) => {
    // The page has a title. A link to a file of the repository leads there, a picture comes along.
    const text = readFileSync(path, "utf8")
      .replace(/^# .*\n/, "")
      .replace(/(?<!!\[[^\]]*)\]\((?!https?:|#)([^)]+)\)/g, `](${sources}/$1)`);
    return app.converter.parseRawComment(new MinimalSourceFile(text, path), project.files).content;
  };
  project.readme = read(`${root}/README.md`);
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    const name = module.name.split("/").at(-2) ?? "";
    module.name = `@talkdesk-oauth/${name}`;
    module.readme = read(`${root}/packages/${name}/README.md`);
    for (const child of module.children ?? []) putUnderHeading(child);
  }
});

/** @param {import("typedoc").DeclarationReflection} reflection */
function putUnderHeading(reflection) {
  const path = reflection.sources?.[0]?.fullFileName.split("/packages/").at(-1) ?? "";
  const found = Object.entries(HEADINGS).find(([, beginnings]) =>
    beginnings.some((each) => path.startsWith(each)),
  );
  if (!found) return;
  const [heading] = found;
  const { comment } = reflection.signatures?.[0] ?? reflection;
  const documented = comment ?? new Comment();
  documented.blockTags.push(new CommentTag("@category", [{ kind: "text", text: heading }]));
}

const project = await app.convert();
if (project) {
  // The docstring of a type, such as a union, says what the members of its parts are.
  const { Property, CallSignature } = ReflectionKind;
  const parts = project.getReflectionsByKind(Property | CallSignature).filter(isPartOfType);
  const undocumented = parts.filter((part) => !part.hasComment()).map((part) => part.getFriendlyFullName());
  app.options.setValue("intentionallyNotDocumented", [...new Set(undocumented)]);
  app.validate(project);
  if (!isChecking) await app.generateDocs(project, `${root}/docs/reference`);
}
process.exitCode = project && !app.logger.hasErrors() && !app.logger.hasWarnings() ? 0 : 1;

/**
 * True for a named member of an object type that is written out within another type. Members of parameters' types need no
 * docstring anyway.
 * @param {import("typedoc").Reflection} reflection
 */
function isPartOfType(reflection) {
  const { TypeLiteral, Parameter } = ReflectionKind;
  const ancestors = [];
  for (let each = reflection.parent; each; each = each.parent) ancestors.push(each);
  return (
    ancestors.some((each) => each.kindOf(TypeLiteral)) &&
    !ancestors.some((each) => each.kindOf(Parameter)) &&
    reflection.name !== "__type"
  );
}
