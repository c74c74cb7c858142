import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";

/** How many records of a kind are kept, and how many bytes of them: old ones make room for new ones. */
const keptRecords = 20_000;
const keptBytes = 2 ** 24;

/**
 * Makes the storage of one engine: in memory, bounded, and shared with no other engine.
 *
 * @param findClient Gives the registration of a client, looked up each time, so that a rotated secret counts at once.
 * @param isGrantRevoked Tells whether a login was ended from outside: what belongs to it is not found any more.
 */
export function engineStorage(
  findClient: (clientId: string) => AdapterPayload | undefined,
  isGrantRevoked: (grantId: string) => boolean,
): AdapterFactory {
  return (model) => {
    const adapter = memoryAdapter(isGrantRevoked);
    return model === "Client" ? { ...adapter, find: async (id) => findClient(id) } : adapter;
  };
}

function memoryAdapter(isGrantRevoked: (grantId: string) => boolean): Adapter {
  const records = new Map<string, AdapterPayload>();
  /** When each record expires, in epoch milliseconds, and its size in bytes. */
  const lives = new Map<string, { readonly expiresAt: number; readonly bytes: number }>();
  let bytes = 0;

  function remove(id: string): void {
    records.delete(id);
    bytes -= lives.get(id)?.bytes ?? 0;
    lives.delete(id);
  }

  /** They come in the order of their making, which is that of their expiry, since those of a kind live equally long. */
  function makeRoom(): void {
    for (const [id, { expiresAt }] of lives) {
      if (expiresAt > Date.now() && records.size <= keptRecords && bytes <= keptBytes) return;
      remove(id);
    }
  }

  async function findBy(name: "uid" | "userCode", value: string): Promise<AdapterPayload | undefined> {
    return [...records.values()].find((record) => record[name] === value);
  }

  return {
    async upsert(id, payload, expiresIn) {
      const size = Buffer.byteLength(JSON.stringify(payload));
      remove(id);
      records.set(id, { ...payload });
      lives.set(id, { expiresAt: Date.now() + (expiresIn ?? Number.POSITIVE_INFINITY) * 1000, bytes: size });
      bytes += size;
      makeRoom();
    },
    async find(id) {
      const record = records.get(id);
      if (record?.grantId !== undefined && isGrantRevoked(record.grantId)) return undefined;
      return record && { ...record };
    },
    findByUid: (uid) => findBy("uid", uid),
    findByUserCode: (userCode) => findBy("userCode", userCode),
    async consume(id) {
      const record = records.get(id);
      if (record !== undefined) record["consumed"] = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      remove(id);
    },
    async revokeByGrantId(grantId) {
      for (const [id, record] of records) if (record.grantId === grantId) remove(id);
    },
  };
}
