import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Registry, startRegistry } from "./support/registry.js";
import {
  commitAll,
  copyRepository,
  type Manifest,
  publicPackages,
  readManifest,
  workspace,
} from "./support/repository.js";
import { run, succeed } from "./support/run.js";

const pnpm = readManifest(workspace)["packageManager"] as string;
const NEXT = "0.1.0-next.0";

let copy: string;
let registry: Registry;
let talkdesk: Emulator;
/** The `PATH` on which the pinned pnpm is found. */
let path: string;
/** What `npm` of the rehearsal reads: the registry, and a token for it. */
let npmrc: string;
/** The unpacked tarballs, by the name of the folder in `packages`. */
let unpacked: string;

const packageIn = (name: string): string => join(copy, "packages", name);
const versions = (): readonly string[] => publicPackages.map((name) => readManifest(packageIn(name)).version);
const every = (version: string): readonly string[] => publicPackages.map(() => version);

const changeset = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> =>
  succeed(process.execPath, [join(copy, "node_modules/@changesets/cli/bin.js"), ...args], copy, env);

/** Writes down a change of core. */
function change(type: "patch" | "minor" | "major"): void {
  // A prerelease keeps its changesets, and knows them by their names.
  const count = readdirSync(join(copy, ".changeset")).length;
  writeFileSync(
    join(copy, `.changeset/change-${count}.md`),
    `---\n"@talkdesk-oauth/core": ${type}\n---\n\nChanged.\n`,
  );
}

/** Packs a package of the copy, and resolves to the manifest in the tarball. */
async function packManifest(name: string): Promise<Manifest> {
  const tarball = join(unpacked, `${name}-again.tgz`);
  await succeed("pnpm", ["pack", "--out", tarball], packageIn(name), { PATH: path });
  return JSON.parse(await succeed("tar", ["-xzOf", tarball, "package/package.json"], copy));
}

/** Makes the next release the first one, whatever has been released and whatever has changed since. */
function forgetReleases(): void {
  for (const file of readdirSync(join(copy, ".changeset")))
    if (file.endsWith(".md") || file === "pre.json") rmSync(join(copy, ".changeset", file));
  for (const folder of publicPackages.map(packageIn)) {
    rmSync(join(folder, "CHANGELOG.md"), { force: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ ...readManifest(folder), version: "0.0.0" }),
    );
  }
}

/** Lets a package of the copy be published here: only CI can attest where a package was built. */
function leaveOutAttestation(folder: string): void {
  const manifest = { ...readManifest(folder), publishConfig: { access: "public" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
}

/** Links what pnpm would install: the tools of the workspace, and the packages of the copy to each other. */
function linkModules(): void {
  symlinkSync(join(workspace, "node_modules"), join(copy, "node_modules"));
  const folders = ["packages", "testing"].flatMap((parent) =>
    readdirSync(join(copy, parent)).map((name) => join(copy, parent, name)),
  );
  const byName = new Map(folders.map((folder) => [readManifest(folder).name, folder]));
  for (const folder of publicPackages.map(packageIn)) {
    const manifest = readManifest(folder);
    const names = ["dependencies", "devDependencies", "peerDependencies"].flatMap((kind) =>
      Object.keys((manifest[kind] as object | undefined) ?? {}),
    );
    for (const name of new Set(names)) {
      const link = join(folder, "node_modules", name);
      const target = byName.get(name);
      if (target === undefined) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(target, link);
    }
  }
}

beforeAll(async () => {
  [registry, talkdesk] = await Promise.all([startRegistry(), startEmulator()]);
  // npx fetches pnpm from the machine's registry, before anything is told about the one of the rehearsal.
  const printPath = [process.execPath, "-p", "process.env.PATH"];
  path = await succeed("npx", ["--yes", `--package=${pnpm}`, "--", ...printPath], workspace);
  copy = copyRepository();
  forgetReleases();
  linkModules();
  unpacked = mkdtempSync(join(tmpdir(), "talkdesk-oauth-unpacked-"));
  npmrc = join(unpacked, ".npmrc");
  const { host } = new URL(registry.url);
  writeFileSync(npmrc, `registry=${registry.url}/\n//${host}/:_authToken=rehearsal\n`);
});

afterAll(async () => {
  await Promise.all([registry?.stop(), talkdesk?.stop()]);
  for (const folder of [copy, unpacked]) if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Where npm finds the registry of the rehearsal, and nothing else. */
const npmEnv = (): Readonly<Record<string, string>> => ({
  npm_config_userconfig: npmrc,
  npm_config_registry: `${registry.url}/`,
  npm_config_cache: join(unpacked, ".npm"),
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
});

// Each test goes on where the one before it ended.
describe.sequential("a release", () => {
  it.each(["pack", "publish"])("is refused to npm %s, with the command to run instead", async (command) => {
    const { code, said } = await run("npm", [command, "--dry-run"], packageIn("fetch"));
    expect(code).not.toBe(0);
    expect(said).toContain(
      `npm leaves "catalog:" and "workspace:" in package.json; run \`npx ${pnpm} ${command}\` instead.`,
    );
  });

  it("is refused to a package that has not been built", async () => {
    const { code, said } = await run("pnpm", ["pack"], packageIn("fetch"), { PATH: path });
    expect(code).not.toBe(0);
    expect(said).toContain(`./dist/index.cjs does not exist; run \`npx ${pnpm} build\``);
  });

  it("gives every package the version 0.1.0-next.0, and a changelog", async () => {
    change("minor");
    await changeset(["pre", "enter", "next"]);
    await changeset(["version"]);
    commitAll(copy);
    expect(versions()).toEqual(every(NEXT));
    for (const name of publicPackages) {
      const changelog = readFileSync(join(packageIn(name), "CHANGELOG.md"), "utf8");
      expect(changelog, name).toMatch(`# @talkdesk-oauth/${name}\n\n## ${NEXT}\n`);
    }
  });

  it("publishes all packages", async () => {
    for (const name of publicPackages)
      cpSync(join(workspace, "packages", name, "dist"), join(packageIn(name), "dist"), { recursive: true });
    for (const name of publicPackages) leaveOutAttestation(packageIn(name));
    const said = await changeset(["publish"], { ...npmEnv(), PATH: path, TALKDESK_OAUTH_RELEASE: "1" });
    expect(said.match(/New tag:/g)).toHaveLength(publicPackages.length);
    expect([...registry.published.keys()].sort()).toEqual(
      publicPackages.map((name) => `@talkdesk-oauth/${name}`),
    );
    for (const name of publicPackages) {
      const folder = join(unpacked, name);
      const tarball = `${folder}.tgz`;
      writeFileSync(tarball, registry.tarball(`@talkdesk-oauth/${name}`, NEXT));
      mkdirSync(folder);
      await succeed("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"], unpacked);
    }
  }, 900_000);

  describe.each(publicPackages)("of %s", (name) => {
    it("has a README, a licence, a changelog, the build with its sources, and nothing else", () => {
      const folder = join(unpacked, name);
      const bin = existsSync(join(packageIn(name), "bin")) ? ["bin"] : [];
      expect(readdirSync(folder).sort()).toEqual(
        ["CHANGELOG.md", "LICENSE", "README.md", "dist", "package.json", "src", ...bin].sort(),
      );
      const files = readdirSync(folder, { recursive: true, withFileTypes: true });
      const others = files.filter(
        (entry) =>
          entry.isFile() &&
          !/\.(?:[cm]?js|ts|[cm]ts)(?:\.map)?$|\.md$|^(?:LICENSE|package\.json)$/.test(entry.name),
      );
      expect(others.map((entry) => entry.name)).toEqual([]);
      expect(
        files
          .filter((entry) => /\.test\.|\.config\.|tsconfig|biome|stryker/.test(entry.name))
          .map((entry) => entry.name),
      ).toEqual([]);
      // The links of these READMEs are checked in testing/documentation.
      expect(readFileSync(join(folder, "README.md"))).toEqual(
        readFileSync(join(workspace, "packages", name, "README.md")),
      );
      expect(readFileSync(join(folder, "LICENSE"))).toEqual(readFileSync(join(workspace, "LICENSE")));
      expect(readFileSync(join(folder, "CHANGELOG.md"), "utf8")).toContain(`## ${NEXT}`);
    });

    it("has a manifest that npm understands, with ranges of what it needs", () => {
      const manifest = readManifest(join(unpacked, name));
      expect(JSON.stringify(manifest)).not.toMatch(/"(?:workspace|catalog):/);
      const { dependencies = {}, peerDependencies = {} } = manifest as unknown as Record<
        string,
        Record<string, string>
      >;
      for (const [needed, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
        expect(range, needed).toMatch(/^(?:\^|>=)/);
        if (needed.startsWith("@talkdesk-oauth/")) expect(range, needed).toBe(`^${NEXT}`);
      }
      expect(manifest["publishConfig"]).toEqual({ access: "public" });
      expect(readManifest(join(workspace, "packages", name))["publishConfig"]).toEqual({
        access: "public",
        provenance: true,
      });
    });

    it("names files that are there", () => {
      const folder = join(unpacked, name);
      const { main, module, types, exports, bin } = readManifest(folder);
      const missing = pathsIn([main, module, types, exports, bin]).filter(
        (path) => !existsSync(join(folder, path)),
      );
      expect(missing).toEqual([]);
    });
  });

  it("installs, and works as an ES module, as CommonJS and in TypeScript", async () => {
    const project = join(unpacked, "project");
    mkdirSync(project);
    const needs = ["core", "fetch"].map((name) => `@talkdesk-oauth/${name}@next`);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
    await succeed("npm", ["install", ...needs], project, npmEnv());
    const body = `
      const source = clientCredentials(talkdeskClientFromEnv());
      const { status } = await talkdeskFetch(source)("/users");
      console.log(status, (await source.getToken()).type);`;
    const names = { core: "{ clientCredentials, talkdeskClientFromEnv }", fetch: "{ talkdeskFetch }" };
    const imported = Object.entries(names).map(
      ([name, list]) => `import ${list} from "@talkdesk-oauth/${name}";`,
    );
    const required = Object.entries(names).map(
      ([name, list]) => `const ${list} = require("@talkdesk-oauth/${name}");`,
    );
    writeFileSync(join(project, "main.mjs"), `${imported.join("\n")}${body}`);
    writeFileSync(join(project, "main.cjs"), `${required.join("\n")}(async () => {${body}})();`);
    writeFileSync(join(project, "main.mts"), `${imported.join("\n")}${body}`);
    writeFileSync(join(project, "main.cts"), `${imported.join("\n")}(async () => {${body}})();`);
    const compilerOptions = {
      module: "nodenext",
      lib: ["esnext", "dom"],
      types: [],
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    await succeed(process.execPath, [join(workspace, "node_modules/typescript/bin/tsc")], project);
    for (const file of ["main.mjs", "main.cjs"])
      expect(await succeed(process.execPath, [file], project, talkdesk.environment())).toBe("200 Bearer");
  });

  it("goes on to 0.1.0, 0.2.0 and 1.0.0, with a range of core that ends before the next breaking change", async () => {
    change("patch");
    await changeset(["version"]);
    expect(versions()).toEqual(every("0.1.0-next.1"));

    await changeset(["pre", "exit"]);
    await changeset(["version"]);
    expect(versions()).toEqual(every("0.1.0"));
    expect(await packManifest("fetch")).toMatchObject({
      peerDependencies: { "@talkdesk-oauth/core": "^0.1.0" },
    });

    change("minor");
    await changeset(["version"]);
    expect(versions()).toEqual(every("0.2.0"));

    change("major");
    await changeset(["version"]);
    expect(versions()).toEqual(every("1.0.0"));
    expect(await packManifest("fetch")).toMatchObject({
      peerDependencies: { "@talkdesk-oauth/core": "^1.0.0" },
    });
  });
});

/** Every path in a part of a manifest. The condition for sources leads to `src`, which is there, too. */
function pathsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(pathsIn) : [];
}
