export { describeAdapter } from "./adapter/describe-adapter.js";
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
} from "./adapter/driver.js";
export { setTokenStage, type TokenStage } from "./adapter/token-stage.js";
export { describeLogin } from "./login/describe-login.js";
export type {
  LoginApp,
  LoginCapabilities,
  LoginDriver,
  LoginOptions,
  LoginPage,
  LoginSetup,
  LoginUser,
  MountedLogin,
  PageVisit,
} from "./login/login-driver.js";
export { describeTokenStore } from "./store/describe-token-store.js";
export type { TokenStoreCapabilities, TokenStoreDriver, TokenStoreSetup } from "./store/driver.js";
