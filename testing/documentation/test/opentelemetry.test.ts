import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { SpanKind } from "@opentelemetry/api";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLE_OPTIONS } from "./compiler-options.js";

interface Span {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly traceId: string;
  readonly parentId?: string;
}

const here = fileURLToPath(new URL("..", import.meta.url));

async function exampleOf(page: string, part: string): Promise<string> {
  const markdown = await readFile(new URL(`../../../docs/${page}`, import.meta.url), "utf8");
  const [code] = [...markdown.matchAll(/^```ts\n(.*?)^```/gms)]
    .map((block) => block[1] ?? "")
    .filter((block) => block.includes(part));
  if (code === undefined) throw new Error(`${page} has no example with ${part}.`);
  return code;
}

/** Runs a script with the code of an example before it. Returns what it printed. */
async function run(
  script: string,
  before: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(here, ".traced");
  await mkdir(folder, { recursive: true });
  try {
    const { outputText } = ts.transpileModule(before, {
      compilerOptions: EXAMPLE_OPTIONS,
      fileName: "before.mts",
    });
    await writeFile(join(folder, "before.mjs"), outputText);
    const child = spawn(process.execPath, ["--import", join(folder, "before.mjs"), script], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", ...environment },
    });
    const [said, complaint, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    expect([code, complaint]).toEqual([0, ""]);
    return said;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("a process that OpenTelemetry traces", () => {
  let talkdesk: Emulator;
  let spans: readonly Span[];
  let secrets: readonly string[];
  let recorded: readonly unknown[];

  beforeAll(async () => {
    talkdesk = await startEmulator();
    for (const client of ["fetch", "axios", "undici"]) {
      for (const caller of [1, 2]) {
        talkdesk.faults.add({
          at: "api",
          match: { path: new RegExp(`refuse=${client}-${caller}$`) },
          respond: { status: 401 },
        });
      }
    }
    const setUp = `
      import { metrics as meters } from "@opentelemetry/api";
      import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
      globalThis.recorded = [];
      meters.setGlobalMeterProvider({
        getMeter: (meter) => ({
          createHistogram: () => ({
            record: (value, attributes) => meter === "talkdesk" && recorded.push([typeof value, attributes]),
          }),
        }),
      });
      const memory = new InMemorySpanExporter();
      globalThis.finishedSpans = memory.getFinishedSpans();
      ${await exampleOf("events.md", "getMeter")}
      ${await exampleOf("events.md", "NodeTracerProvider")}`
      .replace("new ConsoleSpanExporter()", "memory")
      .replace("new BatchSpanProcessor(", "new SimpleSpanProcessor(");
    const said = await run(join(here, "test/traced-calls.mjs"), setUp, talkdesk.environment());
    ({ spans, secrets, recorded } = JSON.parse(said) as {
      spans: Span[];
      secrets: string[];
      recorded: unknown[];
    });
  });

  afterAll(() => talkdesk?.stop());

  const named = (name: string): Span => {
    const found = spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`There is no span ${name}.`);
    return found;
  };
  const urlOf = ({ attributes }: Span): URL =>
    new URL(String(attributes["url.full"] ?? attributes["http.url"]));
  const statusOf = ({ attributes }: Span): unknown =>
    attributes["http.response.status_code"] ?? attributes["http.status_code"];
  /** The requests that were sent within a span, as path and status. */
  const within = (parent: Span): string[] =>
    spans
      .filter(({ kind, parentId }) => kind === SpanKind.CLIENT && parentId === parent.id)
      .map((span) => `${urlOf(span).pathname.replace(/^.*(?=\/oauth)/, "")} ${statusOf(span)}`);

  describe.each(["fetch", "axios", "undici"])("with %s", (client) => {
    it("has one token request for many callers, within the first, and each call within its own caller", () => {
      const callers = [1, 2, 3].map((caller) => named(`${client} herd ${caller}`));
      expect(callers.map(within)).toEqual([
        ["/oauth/token 200", "/contacts 200"],
        ["/contacts 200"],
        ["/contacts 200"],
      ]);
      expect(new Set(callers.map(({ traceId }) => traceId)).size).toBe(3);
    });

    it("has the call that is sent again beside the one that was refused", () => {
      expect(within(named(`${client} refused 1`))).toEqual([
        "/contacts 401",
        "/oauth/token 200",
        "/contacts 200",
      ]);
      expect(within(named(`${client} refused 2`))).toEqual(["/contacts 401", "/contacts 200"]);
    });

    it("leaves every caller in its own span", () => {
      const callers = spans.filter(({ name }) => name.startsWith(client));
      expect(callers.map(({ attributes }) => attributes["test.kept"])).toEqual([
        true,
        true,
        true,
        true,
        true,
      ]);
    });

    it("sends the API the trace of the caller, with a span for each request", () => {
      const received = talkdesk.requests
        .to("api")
        .filter(({ url }) => url.includes(`=${client}-`))
        .map(({ headers }) => String(headers["traceparent"]).split("-"));
      const sent = spans.filter(
        (span) => span.kind === SpanKind.CLIENT && urlOf(span).search.includes(`=${client}-`),
      );
      expect(received).toHaveLength(7);
      expect(new Set(received.map(([, traceId, id]) => `${traceId} ${id}`))).toEqual(
        new Set(sent.map(({ traceId, id }) => `${traceId} ${id}`)),
      );
    });
  });

  it("has a renewal in the background within the span of the call that found it due", () => {
    expect(within(named("renewal ahead")).sort()).toEqual(["/contacts 200", "/oauth/token 200"]);
  });

  it("has the calls of a handler within the request that the server received", () => {
    const [received] = spans.filter(({ kind }) => kind === SpanKind.SERVER);
    expect(received && within(received)).toEqual(["/oauth/token 200", "/contacts 200"]);
  });

  it("sends the token endpoint the trace as well", () => {
    const received = talkdesk.requests.to("token").map(({ headers }) => headers["traceparent"]);
    expect(received).toHaveLength(12);
    expect(received).not.toContain(undefined);
  });

  it("records no secret", () => {
    expect(secrets).toHaveLength(7);
    const recorded = JSON.stringify(spans);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(8);
      expect(recorded).not.toContain(secret);
      expect(recorded).not.toContain(
        Buffer.from(`${talkdesk.clients.get().clientId}:${secret}`).toString("base64"),
      );
    }
  });

  it("measures token calls", () => {
    const tokenRequests = spans.filter(
      (span) => span.kind === SpanKind.CLIENT && urlOf(span).pathname.endsWith("/token"),
    );
    expect(tokenRequests.length).toBeGreaterThan(6);
    expect(recorded).toEqual(tokenRequests.map(() => ["number", { "error.type": "" }]));
  });
});
