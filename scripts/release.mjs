// `npm run release`: builds all packages, then publishes those whose version the registry does not have yet.
import { install, pnpm } from "./workspace.mjs";

const isReleased =
  install() &&
  pnpm(["exec", "turbo", "run", "build", "--force", "--filter=./packages/*"]) &&
  pnpm(["exec", "changeset", "publish"], { env: { TALKDESK_OAUTH_RELEASE: "1" } });
process.exitCode = isReleased ? 0 : 1;
