import { TalkdeskError } from "../base/errors.js";
import {
  type CryptoKey,
  readSigningKey,
  type SigningAlgorithm,
  type SigningKey,
} from "../keys/signing-key.js";
import { type ClientAuthentication, findCredentialFault } from "./client-authentication.js";

/** What {@link privateKeyJwt} needs. */
export interface PrivateKeyJwtOptions {
  /** The client's id: issuer and subject of every assertion. */
  readonly clientId: string;
  /** The id that Talkdesk gave the key (`key_id`). It changes with every rotation. */
  readonly keyId: string;
  /**
   * The private key. A string holds PKCS#8 in the clear: one line of Base64 as Talkdesk issues it, or PEM, wrapped or
   * not, with line breaks of any kind, those written as `\n` included; an EC key of SEC 1 is taken too. A `CryptoKey`
   * must be private and may sign with ECDSA or RSA-PSS; it need not be extractable.
   */
  readonly privateKey: string | CryptoKey;
  /** How to sign (`key_algorithm`). Default: what the key says, by its curve or hash; `"PS256"` for other RSA keys. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /** The `aud` of every assertion. Default: the token endpoint that it is sent to. */
  readonly audience?: string | undefined;
  /** Whether to send `client_id` beside the assertion, which Talkdesk does not ask for. Default false. */
  readonly sendClientId?: boolean | undefined;
}

/** Talkdesk's samples have assertions live for five minutes; a limit is not documented. */
const LIFETIME_SECONDS = 300;

/** So that a server whose clock is a little behind does not find them issued in the future. */
const BACKDATED_SECONDS = 10;

/**
 * Proves the client by an assertion that it signs: a new one, with a new id, for every attempt. Apps that are listed
 * on AppConnect must use it. The private key never leaves the process.
 *
 * A clock that is off is no obstacle: when the client is refused and the answer's `Date` is more than 30 s off, the
 * call is tried once more with the server's time, and what was learnt stays with the client.
 *
 * @throws TypeError at once, for an empty id or one with control characters, and for a key that is not private, is
 *   encrypted, of another form, too short, or does not belong to the algorithm; without repeating any of it.
 * @throws TalkdeskError (rejection of the token call) `credentials_unavailable` when the platform refuses the key.
 * @example
 * privateKeyJwt({ clientId: "4f1c", keyId: "9a2e", privateKey: await readSecret("talkdesk") });
 * @see RFC 7523 §2.2 and §3, OpenID Connect Core §9 (`private_key_jwt`); Talkdesk, "Client Credentials - JWT"
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuthentication {
  const { clientId, keyId, audience, sendClientId = false } = options;
  for (const [name, value] of Object.entries({ clientId, keyId, audience })) {
    const fault = name === "audience" && value === undefined ? undefined : findCredentialFault(value);
    if (fault !== undefined) throw new TypeError(`${name} ${fault}.`);
  }
  if (typeof sendClientId !== "boolean") throw new TypeError("sendClientId must be true or false.");
  const key = readSigningKey(options.privateKey);
  const algorithm = chooseAlgorithm(key, options.algorithm);
  const loadedKey = loadOnce(key, algorithm);

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
    const assertion = await sign(claims, { alg: algorithm, kid: keyId }, loadedKey);
    body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    body.set("client_assertion", assertion);
    if (sendClientId) body.set("client_id", clientId);
  }
  return Object.freeze(Object.assign(privateKeyJwt, { clientId }));
}

const ALGORITHMS: readonly SigningAlgorithm[] = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

function chooseAlgorithm(
  { algorithms, description }: SigningKey,
  algorithm: SigningAlgorithm | undefined = algorithms[0],
): SigningAlgorithm {
  if (algorithm === undefined || !ALGORITHMS.includes(algorithm)) {
    throw new TypeError(`algorithm must be one of ${ALGORITHMS.join(", ")}, or absent.`);
  }
  if (!algorithms.includes(algorithm)) {
    throw new TypeError(
      `privateKey is ${description}, which signs with ${algorithms.join(" or ")}, not with ${algorithm}; leave algorithm out, or give the key that belongs to it.`,
    );
  }
  return algorithm;
}

async function sign(
  claims: Readonly<Record<string, string | number>>,
  header: { readonly alg: SigningAlgorithm; readonly kid: string },
  loadedKey: () => Promise<CryptoKey>,
): Promise<string> {
  const { SignJWT } = await import("jose/jwt/sign").catch((cause: unknown) => {
    throw new TalkdeskError(
      "credentials_unavailable",
      "The package jose, which signs for the client, could not be loaded; the cause says why. Check that it is installed or bundled, and that import() works here.",
      { retryable: false, cause },
    );
  });
  try {
    return await new SignJWT(claims).setProtectedHeader(header).sign(await loadedKey());
  } catch {
    // Without its cause, which may quote the key.
    throw new TalkdeskError(
      "credentials_unavailable",
      `The platform refused to sign ${header.alg} with the client's private key; check that the key is complete and belongs to the key id and algorithm.`,
      { retryable: false },
    );
  }
}

/** The same promise at every call; what it was made of is let go. */
function loadOnce({ load }: SigningKey, algorithm: SigningAlgorithm): () => Promise<CryptoKey> {
  const key: { load?: SigningKey["load"]; loaded?: Promise<CryptoKey> | undefined } = { load };
  return () => {
    key.loaded ??= key.load?.(algorithm);
    delete key.load;
    return key.loaded as Promise<CryptoKey>;
  };
}
