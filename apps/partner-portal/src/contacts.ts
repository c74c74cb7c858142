import { callForJson, isObject, objectsIn, textIn } from "./api-call.js";

/** A contact as the table shows it; what Talkdesk does not say is empty. */
export interface Contact {
  readonly name: string;
  readonly company: string;
  readonly emails: readonly string[];
  readonly phones: readonly string[];
}

/** What to look for. */
export interface ContactSearch {
  /** Part of a name; empty for all. */
  readonly text: string;
  /** From 1. */
  readonly page: number;
}

/** One page of what was found. */
export interface ContactPage {
  readonly contacts: readonly Contact[];
  /** How many were found in all. */
  readonly total: number;
  readonly page: number;
  /** 1 at least. */
  readonly pages: number;
}

const perPage = 20;

/** Finds contacts by part of their names. */
export async function findContacts(
  fetch: typeof globalThis.fetch,
  { text, page }: ContactSearch,
): Promise<ContactPage> {
  const query = new URLSearchParams({
    page: String(page),
    per_page: String(perPage),
    ...(text !== "" && { q: text }),
  });
  const { total, _embedded } = await callForJson(fetch, `/contacts?${query}`, { what: "your contacts" });
  const found = objectsIn(isObject(_embedded) ? _embedded["contacts"] : undefined);
  // What is shown is there, whatever the total says.
  const shown = found.length === 0 ? 0 : (page - 1) * perPage + found.length;
  const count = Math.max(shown, Number.isSafeInteger(total) ? Number(total) : 0);
  return {
    contacts: found.map(({ name, company, emails, phones }) => ({
      name: textIn(name),
      company: textIn(company),
      emails: objectsIn(emails).map(({ email }) => textIn(email)),
      phones: objectsIn(phones).map(({ number }) => textIn(number)),
    })),
    total: count,
    page,
    pages: Math.max(1, Math.ceil(count / perPage)),
  };
}
