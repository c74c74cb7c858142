// `npm run subject -- axios-auth-refresh revoked` and `npm run subject -- express-openid-connect` repeat one cell of docs/performance.md.
import { APPS, openPeers, SUBJECTS } from "./peers.mjs";

const [name, scenario] = process.argv.slice(2);
const isApp = APPS.includes(name);
if (!isApp && (!Object.hasOwn(SUBJECTS, name) || scenario === undefined)) {
  throw new Error(
    `Name a subject (${Object.keys(SUBJECTS).join(", ")}) and a scenario (cold, revoked, late, warm, local, concurrency=N, body=BYTES), or an app (${APPS.join(", ")}).`,
  );
}
const peers = await openPeers();
try {
  console.log(await (isApp ? peers.measureApp(name) : peers.measure(name, scenario)));
} finally {
  await peers.close();
}
