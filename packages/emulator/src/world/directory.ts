import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";

/** A user of an account. */
export interface User {
  /** 24 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** A contact of an account. */
export interface Contact {
  /** 24 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly company?: string;
  readonly emails: readonly { readonly email: string }[];
  readonly phones: readonly { readonly number: string }[];
  /** ISO 8601. */
  readonly created_at: string;
}

/** What a client may write of a contact. */
export type ContactDraft = Omit<Contact, "id" | "created_at">;

/** The people of one account in one region: the same for the same seed. */
export interface Directory {
  readonly users: readonly User[];
  /** Finds a user by id or e-mail address; the first user without one. */
  findUser(idOrEmail?: string): User | undefined;
  readonly contacts: readonly Contact[];
  /** Tells whether there is room for what a client wants to write. */
  hasRoomFor(draft: ContactDraft): boolean;
  addContact(draft: ContactDraft): Contact;
  /** Gives undefined when there is no such contact. */
  replaceContact(id: string, draft: ContactDraft): Contact | undefined;
}

const userCount = 60;
const contactCount = 120;
/** How many bytes of contacts clients may write, as JSON, each counted whenever it is written. */
const writableBytes = 2 ** 24;
const dayMs = 86_400_000;
const firstDay = Date.UTC(2024, 0, 1);

const givenNames = [
  "Ada",
  "Bruno",
  "Carla",
  "Diego",
  "Elin",
  "Farid",
  "Grete",
  "Hugo",
  "Inês",
  "Jonas",
  "Kofi",
  "Lena",
];
const familyNames = [
  "Almeida",
  "Berger",
  "Costa",
  "Duarte",
  "Eriksen",
  "Ferro",
  "Gomes",
  "Haas",
  "Ito",
  "Jansen",
];
const companies = ["Alder Freight", "Birch Dental", "Cedar Travel", "Dune Hotels", "Elm Insurance"];

/** Makes the directory of an account in a region. */
export function makeDirectory(seed: Seed, region: Region, account: string): Directory {
  const place = `${region}/${account}`;
  const users = Array.from({ length: userCount }, (_, index) => {
    const name = personName(seed, `${place}/user/${index}`);
    return { id: seed.hex(`${place}/user/${index}`, 24), name, email: emailOf(name, index, "users") };
  });
  const contacts = Array.from({ length: contactCount }, (_, index): Contact => {
    const label = `${place}/contact/${index}`;
    const name = personName(seed, label);
    return {
      id: seed.hex(label, 24),
      name,
      company: pickFrom(companies, seed, `${label}/company`),
      emails: [{ email: emailOf(name, index, "contacts") }],
      // 555-0100 to 555-0199 are set aside for fiction.
      phones: [{ number: `+1202555${String(100 + (index % 100)).padStart(4, "0")}` }],
      created_at: dayAfter(index),
    };
  });
  let writtenBytes = 0;
  const nextContactId = seed.sequence(`${place}/contact/added`, 24);

  return {
    users,
    findUser: (idOrEmail) =>
      idOrEmail === undefined
        ? users[0]
        : users.find(({ id, email }) => id === idOrEmail || email === idOrEmail),
    contacts,
    hasRoomFor: (draft) => writtenBytes + sizeOf(draft) <= writableBytes,
    addContact(draft) {
      writtenBytes += sizeOf(draft);
      const contact = { id: nextContactId(), ...draft, created_at: dayAfter(contacts.length) };
      contacts.push(contact);
      return contact;
    },
    replaceContact(id, draft) {
      const index = contacts.findIndex((contact) => contact.id === id);
      const old = contacts[index];
      if (old === undefined) return undefined;
      writtenBytes += sizeOf(draft);
      const contact = { id, ...draft, created_at: old.created_at };
      contacts[index] = contact;
      return contact;
    },
  };
}

function sizeOf(draft: ContactDraft): number {
  return Buffer.byteLength(JSON.stringify(draft));
}

function personName(seed: Seed, label: string): string {
  return `${pickFrom(givenNames, seed, `${label}/given`)} ${pickFrom(familyNames, seed, `${label}/family`)}`;
}

function emailOf(name: string, index: number, kind: string): string {
  const local = name
    .normalize("NFD")
    .replace(/[^A-Za-z ]/g, "")
    .toLowerCase()
    .replace(" ", ".");
  return `${local}.${index + 1}@${kind}.example.com`;
}

function pickFrom(list: readonly string[], seed: Seed, label: string): string {
  return list[seed.number(label, list.length)] ?? "";
}

// Dates follow from the order, not from the clock, so that two runs give the same data.
function dayAfter(index: number): string {
  return new Date(firstDay + index * dayMs).toISOString();
}
