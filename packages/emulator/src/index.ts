export type { BrowserLoginResult } from "./browser-login.js";
export { answers } from "./canned-answers.js";
export type { ClientKey } from "./client-key.js";
export type {
  AuthenticationMethod,
  ClientRegistration,
  Clients,
  EmulatorClient,
  GrantType,
} from "./clients.js";
export {
  type AuthorizeOptions,
  type Emulator,
  type EmulatorEndpoints,
  type EnvironmentVariable,
  startEmulator,
} from "./emulator.js";
export type { EmulatorOptions } from "./emulator-options.js";
export type {
  CannedAnswer,
  CannedBody,
  Fault,
  FaultEffect,
  FaultMatch,
  FaultOccasion,
  FaultPlace,
} from "./fault.js";
export type { FaultHandle, Faults } from "./faults.js";
export type { TokenFilter } from "./issued-tokens.js";
export type { KeyListing } from "./published-keys.js";
export type { Region } from "./region.js";
export type { Requests } from "./request-log.js";
export type { RequestRecord, RequestTarget } from "./request-record.js";
export type { KeyAlgorithm } from "./signature-algorithm.js";
export type { Keys, SigningAlgorithm } from "./signing-keys.js";
