import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { type Manifest, readManifest, workspace } from "./repository.js";

/** What a registry says of a package: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md. */
interface Packument {
  readonly name: string;
  readonly "dist-tags": Record<string, string>;
  readonly versions: Record<string, Manifest & { readonly dist: { readonly tarball: string } }>;
}

/** What `npm publish` sends: the same, with tarballs in Base64. */
type Publication = Packument & { readonly _attachments: Readonly<Record<string, { readonly data: string }>> };

export interface Registry {
  readonly url: string;
  /** What was published, by name. */
  readonly published: ReadonlyMap<string, Packument>;
  /** The tarball of a published version. */
  readonly tarball: (name: string, version: string) => Buffer;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a registry that takes publications, as npm's does. It also has every package that the lock file names, so that
 * an installation needs no other registry.
 */
export async function startRegistry(): Promise<Registry> {
  const published = new Map<string, Packument>();
  const tarballs = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => send(response, status, body),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
    const path = decodeURIComponent(new URL(request.url ?? "/", url).pathname).slice(1);
    if (request.method === "PUT") return publish(JSON.parse(await text(request)));
    const [name = "", file] = path.split("/-/");
    if (file !== undefined) {
      const tarball = tarballs.get(path) ?? (await packInstalled(name, file));
      return tarball ? [200, tarball] : [404, { error: "not found" }];
    }
    const packument = published.get(name) ?? describeInstalled(name, url);
    return packument ? [200, packument] : [404, { error: "not found" }];
  }

  function publish(publication: Publication): readonly [number, unknown] {
    const { name, versions, _attachments: attachments } = publication;
    const known = published.get(name);
    const [version = ""] = Object.keys(versions);
    if (known?.versions[version]) return [409, { error: `${name}@${version} is published already` }];
    const [{ data } = { data: "" }] = Object.values(attachments);
    const path = `${name}/-/${version}.tgz`;
    tarballs.set(path, Buffer.from(data, "base64"));
    const manifest = versions[version];
    if (manifest === undefined) return [400, { error: "no version" }];
    published.set(name, {
      name,
      "dist-tags": { ...known?.["dist-tags"], ...publication["dist-tags"] },
      versions: {
        ...known?.versions,
        [version]: { ...manifest, dist: { ...manifest.dist, tarball: `${url}/${path}` } },
      },
    });
    return [201, { ok: true }];
  }

  return {
    url,
    published,
    tarball: (name, version) => {
      const tarball = tarballs.get(`${name}/-/${version}.tgz`);
      if (tarball === undefined) throw new Error(`${name}@${version} was not published`);
      return tarball;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isTarball = Buffer.isBuffer(body);
  response.writeHead(status, { "content-type": isTarball ? "application/octet-stream" : "application/json" });
  response.end(isTarball ? body : JSON.stringify(body));
}

const virtualStore = join(workspace, "node_modules/.pnpm");

/** The folders of a package that pnpm has installed, one for each version. */
function findInstalled(name: string): readonly string[] {
  const prefix = `${name.replace("/", "+")}@`;
  return readdirSync(virtualStore)
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => join(virtualStore, entry, "node_modules", name))
    .filter((folder) => existsSync(join(folder, "package.json")));
}

function describeInstalled(name: string, url: string): Packument | undefined {
  const manifests = findInstalled(name).map(readManifest);
  const newest = manifests.at(-1);
  if (newest === undefined) return undefined;
  return {
    name,
    "dist-tags": { latest: newest.version },
    versions: Object.fromEntries(
      manifests.map((manifest) => [
        manifest.version,
        { ...manifest, dist: { tarball: `${url}/${name}/-/${manifest.version}.tgz` } },
      ]),
    ),
  };
}

async function packInstalled(name: string, file: string): Promise<Buffer | undefined> {
  const folder = findInstalled(name).find((each) => `${readManifest(each).version}.tgz` === file);
  if (folder === undefined) return undefined;
  const args = ["-czf", "-", "-C", dirname(folder), folder.slice(dirname(folder).length + 1)];
  const { stdout } = await promisify(execFile)("tar", args, { encoding: "buffer", maxBuffer: 2 ** 28 });
  return stdout;
}
