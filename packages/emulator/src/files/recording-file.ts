import { findRecording } from "../world/recordings.js";
import type { StoredFile } from "./files-host.js";

const FILE_PATH = /^recordings\/([0-9a-f]{32})\.wav$/;
const SAMPLES_PER_SECOND = 8_000;
const TONE_HZ = 440;
/** The length of the header of a WAV file with PCM. */
const HEADER_BYTES = 44;

/** Makes the path of the media of a recording, after region and account. */
export function makeRecordingPath(id: string): string {
  return `recordings/${id}.wav`;
}

/** Makes the media of a recording from its path: a tone, as WAV. Gives undefined for any other path. */
export function findRecordingFile(path: string): StoredFile | undefined {
  const recording = findRecording(FILE_PATH.exec(path)?.[1] ?? "");
  return recording && { contentType: "audio/wav", bytes: makeTone(recording.seconds) };
}

/** Makes a WAV file with one channel and one byte for each sample. */
function makeTone(seconds: number): Uint8Array {
  const sampleCount = seconds * SAMPLES_PER_SECOND;
  const file = Buffer.alloc(HEADER_BYTES + sampleCount);
  file.write("RIFF", 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  file.writeUInt32LE(SAMPLES_PER_SECOND, 28);
  file.writeUInt16LE(1, 32);
  file.writeUInt16LE(8, 34);
  file.write("data", 36);
  file.writeUInt32LE(sampleCount, 40);
  for (let sample = 0; sample < sampleCount; sample += 1) {
    const angle = (2 * Math.PI * TONE_HZ * sample) / SAMPLES_PER_SECOND;
    file.writeUInt8(128 + Math.round(40 * Math.sin(angle)), HEADER_BYTES + sample);
  }
  return file;
}
