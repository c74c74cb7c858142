export { describeAdapter } from "./describe-adapter.js";
export type {
  AdapterCapabilities,
  AdapterDriver,
  AdapterSetup,
  BodyKind,
  PlainRequest,
  PlainResponse,
  RequestBody,
  Send,
} from "./driver.js";
export { setTokenStage, type TokenStage } from "./token-stage.js";
