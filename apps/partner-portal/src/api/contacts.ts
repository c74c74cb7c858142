import { callForJson, isObject, readObjects, readText } from "./api-call.js";

/** A contact as the table shows it. Members that Talkdesk left out are empty. */
export interface Contact {
  readonly name: string;
  readonly company: string;
  readonly emails: readonly string[];
  readonly phones: readonly string[];
}

/** What {@link findContacts} searches for. */
export interface ContactSearch {
  /** A part of the name; empty for all contacts. */
  readonly text: string;
  /** The number of the page, from 1. */
  readonly page: number;
}

/** One page of the contacts found. */
export interface ContactPage {
  readonly contacts: readonly Contact[];
  /** The number of contacts on all pages. */
  readonly total: number;
  readonly page: number;
  /** At least 1. */
  readonly pages: number;
}

const PER_PAGE = 20;

/** Finds contacts by a part of their names. */
export async function findContacts(
  fetch: typeof globalThis.fetch,
  { text, page }: ContactSearch,
): Promise<ContactPage> {
  const query = new URLSearchParams({
    page: String(page),
    per_page: String(PER_PAGE),
    ...(text !== "" && { q: text }),
  });
  const { total, _embedded } = await callForJson(fetch, `/contacts?${query}`, { what: "your contacts" });
  const found = readObjects(isObject(_embedded) ? _embedded["contacts"] : undefined);
  // The total may be missing or too small; the contacts on this page exist.
  const shown = found.length === 0 ? 0 : (page - 1) * PER_PAGE + found.length;
  const count = Math.max(shown, Number.isSafeInteger(total) ? Number(total) : 0);
  return {
    contacts: found.map(({ name, company, emails, phones }) => ({
      name: readText(name),
      company: readText(company),
      emails: readObjects(emails).map(({ email }) => readText(email)),
      phones: readObjects(phones).map(({ number }) => readText(number)),
    })),
    total: count,
    page,
    pages: Math.max(1, Math.ceil(count / PER_PAGE)),
  };
}
