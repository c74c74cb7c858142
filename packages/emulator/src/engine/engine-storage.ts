import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";

// The limits for each kind of record, so that clients cannot fill the memory. The oldest records are dropped first.
const MAX_RECORDS = 20_000;
const MAX_BYTES = 16 * 2 ** 20;

/**
 * Makes the storage of one engine: in memory, bounded, and shared with no other engine.
 *
 * @param findClient Finds the registration of a client. It is called each time, so a rotated secret counts at once.
 * @param isGrantRevoked Tells whether a login was revoked by the emulator. Records of such a login are not found.
 */
export function makeEngineStorage(
  findClient: (clientId: string) => AdapterPayload | undefined,
  isGrantRevoked: (grantId: string) => boolean,
): AdapterFactory {
  return (model) => {
    const adapter = makeMemoryAdapter(isGrantRevoked);
    return model === "Client" ? { ...adapter, find: async (id) => findClient(id) } : adapter;
  };
}

function makeMemoryAdapter(isGrantRevoked: (grantId: string) => boolean): Adapter {
  const records = new Map<string, AdapterPayload>();
  /** When each record expires, in epoch milliseconds, and how many bytes it takes. */
  const lives = new Map<string, { readonly expiresAt: number; readonly bytes: number }>();
  let bytes = 0;

  function remove(id: string): void {
    records.delete(id);
    bytes -= lives.get(id)?.bytes ?? 0;
    lives.delete(id);
  }

  /** The records of a kind live equally long, so the oldest are the first to expire. */
  function makeRoom(): void {
    for (const [id, { expiresAt }] of lives) {
      if (expiresAt > Date.now() && records.size <= MAX_RECORDS && bytes <= MAX_BYTES) return;
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
