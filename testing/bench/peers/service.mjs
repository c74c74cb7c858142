// A token endpoint and an API, in a process of its own. A token counts until `/revoke` is asked. Prints its origin.
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:https";
import { selfSigned } from "./self-signed.mjs";

/** How long the token endpoint takes. */
const ANSWER_MS = 5;
/** The time from one late refusal to the next. */
const REFUSAL_GAP_MS = 5;

const users = Buffer.from(JSON.stringify({ total: 1, page: 1, _embedded: { users: [{ id: "1" }] } }));
/** The number of the oldest token that the API takes. */
let oldest = 1;
let issued = 0;
/** Of the login under way, if it is one of OpenID Connect. */
let nonce;
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
let asked = 0;
let refused = 0;

const routes = {
  "/oauth/token": (_request, response) => {
    asked += 1;
    setTimeout(() => {
      issued += 1;
      const token = { access_token: `token-${issued}`, token_type: "Bearer", expires_in: 600 };
      answer(response, 200, nonce === undefined ? token : { ...token, id_token: signIdToken() });
      nonce = undefined;
    }, ANSWER_MS);
  },
  // What a login by OpenID Connect needs; the page for people is left out.
  "/.well-known/openid-configuration": (_request, response) => {
    const issuer = readOrigin();
    const at = (path) => `${issuer}${path}`;
    answer(response, 200, {
      issuer,
      authorization_endpoint: at("/authorize"),
      token_endpoint: at("/oauth/token"),
      jwks_uri: at("/jwks"),
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      subject_types_supported: ["public"],
    });
  },
  "/authorize": (_request, response, url) => {
    nonce = url.searchParams.get("nonce") ?? undefined;
    answer(response, 200, {});
  },
  "/jwks": (_request, response) => {
    answer(response, 200, {
      keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }],
    });
  },
  "/revoke": (_request, response) => {
    oldest = issued + 1;
    answer(response, 200, {});
  },
  "/counts": (_request, response) => {
    answer(response, 200, { tokenRequests: asked, refusals: refused });
    [asked, refused] = [0, 0];
  },
  "/users": (request, response, url) => {
    const token = /^Bearer token-(\d+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (Number(token) >= oldest) {
      response.writeHead(200, { "content-type": "application/json", "content-length": users.length });
      response.end(users);
      return;
    }
    const late = Number(url.searchParams.get("late") ?? 0);
    setTimeout(() => {
      refused += 1;
      response.setHeader("www-authenticate", 'Bearer error="invalid_token"');
      answer(response, 401, { code: "0011030", message: "The token is invalid" });
    }, late * REFUSAL_GAP_MS);
  },
};

function signIdToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: readOrigin(), sub: "1", aud: "bench", nonce, iat: now, exp: now + 600 };
  const signed = `${part({ alg: "RS256", kid: "1" })}.${part({ ...claims, name: "Ada Lovelace", email: "ada@example.com" })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

const server = createServer(selfSigned, (request, response) => {
  const url = new URL(request.url, "https://localhost");
  // MSAL asks a path with a tenant in it.
  const path = url.pathname.endsWith("/oauth/token") ? "/oauth/token" : url.pathname;
  request.resume();
  request.on("end", () => (routes[path] ?? answerUnknown)(request, response, url));
});
function answerUnknown(_request, response) {
  answer(response, 404, {});
}
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => process.send(readOrigin()));
function readOrigin() {
  return `https://localhost:${server.address().port}`;
}
process.on("disconnect", () => process.exit(0));
