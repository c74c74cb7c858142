/** A certificate for 127.0.0.1 that nobody trusts, and its key: made for these tests, worth nothing. */
export const selfSigned = {
  cert: pem("CERTIFICATE", [
    "MIIBszCCAVmgAwIBAgIUCYsLiDr68VXod9U+dWR38NkgYeEwCgYIKoZIzj0EAwIw",
    "IDEeMBwGA1UEAwwVZmFrZSB0ZXN0IGNlcnRpZmljYXRlMCAXDTI2MTEyMzIzNDYw",
    "NloYDzIxMjYxMDMwMjM0NjA2WjAgMR4wHAYDVQQDDBVmYWtlIHRlc3QgY2VydGlm",
    "aWNhdGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASltPlOHD/JCKuqY2E1bWGj",
    "xDk28ANougX2QeSJvUOFZ4aMqNz+tOl2lderYxIzlmGYzO5bKZe1/iIbv3DpNkqu",
    "o28wbTAdBgNVHQ4EFgQUbjYQPpX489IKnvmXbd9Tt2Sz6u8wHwYDVR0jBBgwFoAU",
    "bjYQPpX489IKnvmXbd9Tt2Sz6u8wDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzAR",
    "hwR/AAABgglsb2NhbGhvc3QwCgYIKoZIzj0EAwIDSAAwRQIgf3/wsaV6MFnr2thL",
    "2SNpOUEpBue9jqIBD+RpI1+a8HsCIQDIsrJst2e8qy81EvfEwrU0l0VrN6p9o864",
    "O7Tss7brLA==",
  ]),
  key: pem("PRIVATE KEY", [
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgr8IE8On5tkzqsNSr",
    "FJbkMu+r4esJnh/9HYIJyYr9WsShRANCAASltPlOHD/JCKuqY2E1bWGjxDk28ANo",
    "ugX2QeSJvUOFZ4aMqNz+tOl2lderYxIzlmGYzO5bKZe1/iIbv3DpNkqu",
  ]),
};

function pem(label: string, lines: readonly string[]): string {
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
