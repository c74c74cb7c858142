// Imported by name, so that the tests run on the sources and on the build.
export type {
  CannedAnswer,
  Emulator,
  EmulatorClient,
  EmulatorOptions,
  Fault,
  KeyAlgorithm,
  Laxity,
  Operation,
  OperationCall,
  Region,
} from "@talkdesk-oauth/emulator";
export { answers, startEmulator } from "@talkdesk-oauth/emulator";
