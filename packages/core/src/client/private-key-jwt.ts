import { TalkdeskError } from "../base/errors.js";
import {
  type PlatformCryptoKey,
  readSigningKey,
  type SigningAlgorithm,
  type SigningKey,
} from "../keys/signing-key.js";
import { type ClientAuthentication, findCredentialFault } from "./client-authentication.js";

/** Options of {@link privateKeyJwt}. */
export interface PrivateKeyJwtOptions {
  /** The client's id, which is issuer and subject of every assertion. */
  readonly clientId: string;
  /**
   * The id that Talkdesk gave the key (`key_id`). It changes with each rotation of the key. A function is called for
   * every assertion, together with that of `privateKey`.
   */
  readonly keyId: string | (() => string | Promise<string>);
  /**
   * The private key. A string is PKCS#8, not encrypted: one line of Base64 as Talkdesk issues it, or PEM, with line
   * breaks of any kind, including the two characters `\n`. An EC key of SEC 1 is accepted too. A `CryptoKey` must be
   * private, for ECDSA or RSA-PSS, and have the usage `sign`; it need not be extractable.
   *
   * A function looks the key up, for example in a vault. It is called for every assertion: about once for each token, so
   * cache the key where looking it up is slow. The call's deadline limits the wait for it.
   */
  readonly privateKey:
    | string
    | PlatformCryptoKey
    | (() => string | PlatformCryptoKey | Promise<string | PlatformCryptoKey>);
  /** The algorithm (`key_algorithm`). Default: the one of the key's curve or hash, and `"PS256"` for other RSA keys. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /** The `aud` of every assertion. Default: the URL of the token endpoint. */
  readonly audience?: string | undefined;
  /** Whether to send `client_id` beside the assertion, which Talkdesk does not ask for. Default false. */
  readonly sendClientId?: boolean | undefined;
}

/** The lifetime of assertions in Talkdesk's samples. A limit is not documented. */
const LIFETIME_SECONDS = 300;

/** How far `iat` is set back, so that a server whose clock is a little behind does not see it in the future. */
const BACKDATED_SECONDS = 10;

/**
 * Proves the client's identity by a signed assertion, a new one for every attempt. The private key never leaves the
 * process. Apps that are listed on AppConnect must use this proof.
 *
 * This machine's clock may be wrong: when the client is refused and the answer's `Date` is more than 30 s off, the call
 * is tried once more with the server's time, and the client remembers the difference.
 *
 * @throws TypeError for an empty id, an id with control characters, and a key that is public, encrypted, too short, in
 *   another format, or not for the algorithm. The message repeats nothing of them.
 * @throws TalkdeskError (rejection of the token call)
 * - `credentials_unavailable`: a function for the key or its id failed, or its result cannot be used; the platform refused
 *   the key; or the package `jose` could not be loaded.
 * @example
 * privateKeyJwt({ clientId: "4f1c", keyId: "9a2e", privateKey: () => readSecret("talkdesk") });
 * @see RFC 7523 §2.2 and §3, OpenID Connect Core §9 (`private_key_jwt`); Talkdesk, "Client Credentials - JWT"
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuthentication {
  const { clientId, keyId, audience, sendClientId = false } = options;
  for (const [name, value] of Object.entries({ clientId, keyId, audience })) {
    const isOpen =
      (name === "audience" && value === undefined) || (name === "keyId" && typeof value === "function");
    const fault = isOpen ? undefined : findCredentialFault(value);
    if (fault !== undefined) throw new TypeError(`${name} ${fault}.`);
  }
  if (typeof sendClientId !== "boolean") throw new TypeError("sendClientId must be true or false.");
  checkAlgorithm(options.algorithm);
  const findKey = keyFinder(options);

  async function privateKeyJwt({ endpoints, body, now }: Parameters<ClientAuthentication>[0]): Promise<void> {
    const iat = Math.floor(now / 1000) - BACKDATED_SECONDS;
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: audience ?? endpoints.token,
      jti: crypto.randomUUID(),
      iat,
      exp: iat + LIFETIME_SECONDS,
    };
    const [kid, { algorithm, load }] = await Promise.all([findKeyId(keyId), findKey()]);
    const assertion = await sign(claims, { alg: algorithm, kid }, load);
    body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    body.set("client_assertion", assertion);
    if (sendClientId) body.set("client_id", clientId);
  }
  return Object.freeze(Object.assign(privateKeyJwt, { clientId }));
}

/** In the order in which a message lists them. */
const ALGORITHMS: readonly SigningAlgorithm[] = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

function checkAlgorithm(algorithm: SigningAlgorithm | undefined): void {
  if (algorithm !== undefined && !ALGORITHMS.includes(algorithm)) {
    throw new TypeError(`algorithm must be one of ${ALGORITHMS.join(", ")}, or absent.`);
  }
}

/** A key that is ready to sign. */
interface ReadyKey {
  readonly algorithm: SigningAlgorithm;
  readonly load: () => Promise<PlatformCryptoKey>;
}

/** Returns a function that gives the key for one assertion: the same one each time, or the one that is looked up. */
function keyFinder({ privateKey, algorithm }: PrivateKeyJwtOptions): () => ReadyKey | Promise<ReadyKey> {
  if (typeof privateKey !== "function") {
    const key = readyKey(privateKey, algorithm);
    return () => key;
  }
  return async () => {
    const found = await privateKey();
    try {
      return readyKey(found, algorithm);
    } catch (error) {
      throw new TalkdeskError(
        "credentials_unavailable",
        `The private key that was looked up cannot be used: ${(error as Error).message}`,
        { retryable: false },
      );
    }
  };
}

function readyKey(privateKey: string | PlatformCryptoKey, wanted: SigningAlgorithm | undefined): ReadyKey {
  const key = readSigningKey(privateKey);
  const algorithm = chooseAlgorithm(key, wanted);
  return { algorithm, load: loadOnce(key, algorithm) };
}

async function findKeyId(keyId: PrivateKeyJwtOptions["keyId"]): Promise<string> {
  if (typeof keyId !== "function") return keyId;
  const found = await keyId();
  const fault = findCredentialFault(found);
  if (fault === undefined) return found;
  throw new TalkdeskError("credentials_unavailable", `The key id that was looked up ${fault}.`);
}

function chooseAlgorithm(
  { algorithms, description }: SigningKey,
  wanted: SigningAlgorithm | undefined,
): SigningAlgorithm {
  // A key that can be read has at least one.
  const algorithm = wanted ?? (algorithms[0] as SigningAlgorithm);
  if (!algorithms.includes(algorithm)) {
    throw new TypeError(
      `privateKey is ${description}, which signs with ${algorithms.join(" or ")}, not with ${algorithm}; leave algorithm out, or give the key that belongs to it.`,
    );
  }
  return algorithm;
}

type CompactSign = typeof import("jose/jws/compact/sign")["CompactSign"];

/** Present once it has been loaded: an `import()` takes time also when the module is loaded. */
let loadedCompactSign: CompactSign | undefined;

/** A JWT is a compact JWS of JSON (RFC 7519 §3). jose's own class for it brings checks of claims, which these need not. */
async function loadCompactSign(): Promise<CompactSign> {
  try {
    loadedCompactSign = (await import("jose/jws/compact/sign")).CompactSign;
    return loadedCompactSign;
  } catch (cause) {
    throw new TalkdeskError(
      "credentials_unavailable",
      "The package jose, which signs for the client, could not be loaded; the cause says why. Check that it is installed or bundled, and that import() works here.",
      { retryable: false, cause },
    );
  }
}

async function sign(
  claims: Readonly<Record<string, string | number>>,
  header: { readonly alg: SigningAlgorithm; readonly kid: string },
  loadedKey: () => Promise<PlatformCryptoKey>,
): Promise<string> {
  const CompactSign = loadedCompactSign ?? (await loadCompactSign());
  try {
    const payload = new TextEncoder().encode(JSON.stringify(claims));
    return await new CompactSign(payload).setProtectedHeader(header).sign(await loadedKey());
  } catch {
    // Without the cause, which may quote the key.
    throw new TalkdeskError(
      "credentials_unavailable",
      `The platform refused to sign ${header.alg} with the client's private key; check that the key is complete and belongs to the key id and algorithm.`,
      { retryable: false },
    );
  }
}

/** Loads the key once. Afterwards nothing refers to the text of the key. */
function loadOnce({ load }: SigningKey, algorithm: SigningAlgorithm): () => Promise<PlatformCryptoKey> {
  const key: { load?: SigningKey["load"]; loaded?: Promise<PlatformCryptoKey> | undefined } = { load };
  return () => {
    key.loaded ??= key.load?.(algorithm);
    delete key.load;
    return key.loaded as Promise<PlatformCryptoKey>;
  };
}
