const dnsLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Checks the account names to serve: lower-case DNS labels, because an account is a host name in the real service.
 *
 * @throws TypeError when the list is empty, holds a duplicate, or holds anything but DNS labels.
 */
export function checkAccountNames(accounts: unknown): readonly string[] {
  if (!Array.isArray(accounts) || accounts.length === 0) {
    throw new TypeError("accounts must be an array with at least one account name");
  }
  for (const account of accounts) {
    if (typeof account !== "string" || !dnsLabel.test(account)) {
      throw new TypeError(`accounts must hold lower-case DNS labels, got ${JSON.stringify(account)}`);
    }
  }
  if (new Set(accounts).size !== accounts.length) throw new TypeError("accounts must not repeat a name");
  return Object.freeze([...accounts]);
}
