import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The certificate that clients must trust to speak to an emulator with TLS. */
export interface TrustedCertificate {
  /** The certificate of the authority that issued those of the servers, as PEM. */
  readonly pem: string;
  /** A file that has it, until the emulator stops. `NODE_EXTRA_CA_CERTS` takes its path. */
  readonly file: string;
}

/** Writes a certificate to a file in a new folder, which only this user can read. */
export async function writeCertificate(pem: string): Promise<TrustedCertificate> {
  const file = join(await mkdtemp(join(tmpdir(), "talkdesk-emulator-")), "ca.pem");
  await writeFile(file, pem);
  return Object.freeze({ pem, file });
}

/** Removes the file of a certificate, and its folder. */
export async function removeCertificate({ file }: TrustedCertificate): Promise<void> {
  await rm(join(file, ".."), { recursive: true, force: true });
}
