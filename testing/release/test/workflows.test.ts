import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { readManifest, workspace } from "./support/repository.js";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly uses?: string;
  readonly permissions?: Permissions;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> };
  readonly steps?: readonly Step[];
}

type Permissions = Readonly<Record<string, string>>;

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Permissions;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = ".github/workflows";
const names = readdirSync(join(workspace, folder));

/** Parses a file; a fault of YAML, such as a key that is there twice, throws. */
function parse(file: string): unknown {
  const document = parseDocument(readFileSync(join(workspace, file), "utf8"));
  if (document.errors.length > 0 || document.warnings.length > 0)
    throw new Error(`${file}: ${[...document.errors, ...document.warnings].join("\n")}`);
  return document.toJS();
}

const read = (name: string): Workflow => parse(join(folder, name)) as Workflow;
const stepsOf = (workflow: Workflow): readonly Step[] =>
  Object.values(workflow.jobs).flatMap(({ steps = [] }) => steps);

describe.each(names)("the workflow %s", (name) => {
  const workflow = read(name);
  const text = readFileSync(join(workspace, folder, name), "utf8");

  it("uses actions by the hash of a commit, with the version as a comment", () => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, action = ""]) => action);
    expect(uses.length).toBeGreaterThan(1);
    for (const action of uses)
      expect(action).toMatch(
        /^(?:\.\/\.github\/workflows\/[\w-]+\.yml|[\w-]+\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+)$/,
      );
  });

  it("may only read, unless a job says what it writes", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    const writers = Object.entries(workflow.jobs)
      .filter(([, { permissions = {} }]) => Object.values(permissions).includes("write"))
      .map(([job]) => `${name} ${job}`);
    expect(writers).toEqual(name === "release.yml" ? ["release.yml release"] : []);
  });

  it("leaves no credentials in a checkout, and ends", () => {
    const checkouts = stepsOf(workflow).filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBeGreaterThan(0);
    for (const step of checkouts) expect(step.with).toMatchObject({ "persist-credentials": false });
    for (const job of Object.values(workflow.jobs).filter(({ uses }) => uses === undefined))
      expect(job["timeout-minutes"]).toBeLessThanOrEqual(60);
  });

  it("runs on no event that gives a stranger's code its secrets, and puts no text of others into a script", () => {
    expect(Object.keys(workflow.on)).not.toContain("pull_request_target");
    for (const { run = "" } of stepsOf(workflow)) expect(run).not.toContain("${{");
  });

  it("calls the pinned pnpm, and files that exist", () => {
    const { packageManager, scripts } = readManifest(workspace);
    const commands = stepsOf(workflow).flatMap((step) => [
      step.run,
      step.with?.["version"],
      step.with?.["publish"],
    ]);
    for (const command of commands.filter((each) => typeof each === "string")) {
      const [, pnpm] = /\b(pnpm@\S+)/.exec(command) ?? [];
      if (pnpm !== undefined) expect(pnpm).toBe(packageManager);
      const [, script] = /\bnpm run (\S+)/.exec(command) ?? [];
      if (script !== undefined) expect(scripts).toHaveProperty([script]);
    }
  });
});

describe("the workflows", () => {
  it("test each promised Node as developers do, also before a release", () => {
    const { jobs } = read("ci.yml");
    expect(jobs["test"]?.strategy?.matrix).toEqual({ node: ["20.19", "22", "24", "26"] });
    expect(jobs["test"]?.steps?.map(({ run }) => run)).toContain(".ci/run");
    expect(read("release.yml").jobs["ci"]?.uses).toBe("./.github/workflows/ci.yml");
    expect(read("release.yml").jobs["release"]).toMatchObject({ needs: "ci" });
  });

  it("publish with an attestation of where a package was built", () => {
    const job = read("release.yml").jobs["release"];
    expect(job?.permissions).toEqual({ contents: "write", "pull-requests": "write", "id-token": "write" });
    const publish = job?.steps?.find(({ uses }) => uses?.startsWith("changesets/action@"));
    expect(publish?.with).toMatchObject({ publish: "npm run release" });
  });
});

describe("the templates", () => {
  it.each(readdirSync(join(workspace, ".github/ISSUE_TEMPLATE")))("%s is YAML", (name) => {
    expect(parse(join(".github/ISSUE_TEMPLATE", name))).toBeTypeOf("object");
  });

  it("ask to remove secrets", () => {
    expect(readFileSync(join(workspace, ".github/ISSUE_TEMPLATE/bug.yml"), "utf8")).toContain(
      "Remove secrets",
    );
    expect(readFileSync(join(workspace, ".github/PULL_REQUEST_TEMPLATE.md"), "utf8")).toContain(
      "Remove tokens",
    );
  });
});

describe("Renovate", () => {
  it("waits before it proposes a release", () => {
    const settings = JSON.parse(readFileSync(join(workspace, ".github/renovate.json"), "utf8"));
    expect(settings.minimumReleaseAge).toMatch(/^(?:[3-9]|\d\d) days$/);
  });
});
