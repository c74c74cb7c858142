// By its name, so that the suites run on the sources and on what is built alike.
export type {
  CannedAnswer,
  Emulator,
  EmulatorClient,
  EmulatorOptions,
  Fault,
  KeyAlgorithm,
  Region,
} from "@talkdesk-oauth/emulator";
export { answers, startEmulator } from "@talkdesk-oauth/emulator";
