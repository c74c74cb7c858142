import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";

/**
 * Makes the storage of one engine: in memory, and shared with no other engine.
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

  async function findBy(name: "uid" | "userCode", value: string): Promise<AdapterPayload | undefined> {
    return [...records.values()].find((record) => record[name] === value);
  }

  return {
    async upsert(id, payload) {
      records.set(id, { ...payload });
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
      records.delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const [id, record] of records) if (record.grantId === grantId) records.delete(id);
    },
  };
}
