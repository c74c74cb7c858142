export { describeAdapter } from "./describe-adapter.js";
export { describeTokenStore } from "./describe-token-store.js";
export type {
  AdapterCapabilities,
  AdapterDriver,
  AdapterSetup,
  AdapterStacks,
  BodyKind,
  Elsewhere,
  PlainRequest,
  PlainResponse,
  RequestBody,
  Send,
} from "./driver.js";
export type { TokenStoreCapabilities, TokenStoreDriver, TokenStoreSetup } from "./store-driver.js";
export { setTokenStage, type TokenStage } from "./token-stage.js";
