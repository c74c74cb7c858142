export type { Laxity } from "./base/laxity.js";
export type { Region } from "./base/region.js";
export type {
  AuthorizeOptions,
  Emulator,
  EmulatorEndpoints,
  EmulatorEnvironment,
  EnvironmentVariable,
} from "./emulator.js";
export type { EmulatorOptions } from "./emulator-options.js";
export { answers } from "./faults/canned-answers.js";
export type {
  CannedAnswer,
  CannedBody,
  Fault,
  FaultEffect,
  FaultMatch,
  FaultOccasion,
  FaultPlace,
} from "./faults/fault.js";
export type { FaultHandle, Faults } from "./faults/faults.js";
export type {
  Operation,
  OperationAnswer,
  OperationCall,
  OperationToken,
} from "./gateway/own-operation.js";
export type { BrowserLoginResult } from "./identity/browser-login.js";
export type { KeyListing } from "./identity/published-keys.js";
export type { RequestRecord, RequestTarget } from "./message/request-record.js";
export { startEmulator } from "./start-emulator.js";
export type { Requests } from "./wire/request-log.js";
export type { TrustedCertificate } from "./wire/trusted-certificate.js";
export type { ClientKey } from "./world/client-key.js";
export type { AuthenticationMethod, ClientRegistration, GrantType } from "./world/client-registration.js";
export type { Clients, EmulatorClient } from "./world/clients.js";
export type { TokenFilter } from "./world/issued-tokens.js";
export type { KeyAlgorithm } from "./world/signature-algorithm.js";
export type { Keys, SigningAlgorithm } from "./world/signing-keys.js";
