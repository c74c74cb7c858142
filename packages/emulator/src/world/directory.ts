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

/** A phone number of an account. */
export interface PhoneNumber {
  /** 24 hexadecimal digits. */
  readonly id: string;
  readonly phone_number: string;
  readonly friendly_name: string;
  readonly dedicated_line: boolean;
  readonly sip: boolean;
  readonly vcid: boolean;
  readonly capabilities: readonly string[];
}

/** The part of a contact that a client writes. */
export type ContactDraft = Omit<Contact, "id" | "created_at">;

/** The users, phone numbers and contacts of one account in one region. They follow from the seed. */
export interface Directory {
  readonly users: readonly User[];
  /** Finds a user by id or e-mail address. Without one it gives the first user. */
  findUser(idOrEmail?: string): User | undefined;
  readonly phoneNumbers: readonly PhoneNumber[];
  readonly contacts: readonly Contact[];
  /** Tells whether a client may still write this much. */
  hasRoomFor(draft: ContactDraft): boolean;
  addContact(draft: ContactDraft): Contact;
  /** Gives undefined when there is no such contact. */
  replaceContact(id: string, draft: ContactDraft): Contact | undefined;
}

const USER_COUNT = 60;
const CONTACT_COUNT = 120;
const PHONE_NAMES = ["Sales", "Support", "Billing", "Reception"];
/** Contacts are kept in memory, so clients may write this much JSON in total; replacing a contact counts again. */
const MAX_WRITTEN_BYTES = 2 ** 24;
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2024, 0, 1);

const GIVEN_NAMES = [
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
const FAMILY_NAMES = [
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
const COMPANIES = ["Alder Freight", "Birch Dental", "Cedar Travel", "Dune Hotels", "Elm Insurance"];

/** Makes the directory of an account in a region. */
export function makeDirectory(seed: Seed, region: Region, account: string): Directory {
  const place = `${region}/${account}`;
  // Each name and id takes a derivation from the seed, and most emulators are asked for a few of them or for none.
  let users: readonly User[] | undefined;
  let contacts: Contact[] | undefined;
  const getUsers = (): readonly User[] => (users ??= makeUsers(seed, place));
  const getContacts = (): Contact[] => (contacts ??= makeContacts(seed, place));
  let phoneNumbers: readonly PhoneNumber[] | undefined;
  let writtenBytes = 0;
  const nextContactId = seed.identifiers(`${place}/contact/added`, 24);

  return {
    get users() {
      return getUsers();
    },
    findUser: (idOrEmail) =>
      idOrEmail === undefined
        ? getUsers()[0]
        : getUsers().find(({ id, email }) => id === idOrEmail || email === idOrEmail),
    get contacts() {
      return getContacts();
    },
    get phoneNumbers() {
      phoneNumbers ??= makePhoneNumbers(seed, place);
      return phoneNumbers;
    },
    hasRoomFor: (draft) => writtenBytes + measureDraft(draft) <= MAX_WRITTEN_BYTES,
    addContact(draft) {
      writtenBytes += measureDraft(draft);
      const contact = { id: nextContactId(), ...draft, created_at: makeDate(getContacts().length) };
      getContacts().push(contact);
      return contact;
    },
    replaceContact(id, draft) {
      const index = getContacts().findIndex((contact) => contact.id === id);
      const old = getContacts()[index];
      if (old === undefined) return undefined;
      writtenBytes += measureDraft(draft);
      const contact = { id, ...draft, created_at: old.created_at };
      getContacts()[index] = contact;
      return contact;
    },
  };
}

function makeUsers(seed: Seed, place: string): readonly User[] {
  return Array.from({ length: USER_COUNT }, (_, index) => {
    const name = makeName(seed, `${place}/user/${index}`);
    return { id: seed.hex(`${place}/user/${index}`, 24), name, email: makeEmail(name, index, "users") };
  });
}

function makePhoneNumbers(seed: Seed, place: string): readonly PhoneNumber[] {
  return PHONE_NAMES.map((name, index) => ({
    id: seed.hex(`${place}/phone/${index}`, 24),
    // The numbers 555-0100 to 555-0199 are reserved for fiction.
    phone_number: `+1202555${String(190 + index).padStart(4, "0")}`,
    friendly_name: name,
    dedicated_line: false,
    sip: false,
    vcid: false,
    capabilities: ["voice", "sms"],
  }));
}

function makeContacts(seed: Seed, place: string): Contact[] {
  return Array.from({ length: CONTACT_COUNT }, (_, index): Contact => {
    const label = `${place}/contact/${index}`;
    const name = makeName(seed, label);
    return {
      id: seed.hex(label, 24),
      name,
      company: pick(COMPANIES, seed, `${label}/company`),
      emails: [{ email: makeEmail(name, index, "contacts") }],
      // The numbers 555-0100 to 555-0199 are reserved for fiction.
      phones: [{ number: `+1202555${String(100 + (index % 100)).padStart(4, "0")}` }],
      created_at: makeDate(index),
    };
  });
}

function measureDraft(draft: ContactDraft): number {
  return Buffer.byteLength(JSON.stringify(draft));
}

function makeName(seed: Seed, label: string): string {
  return `${pick(GIVEN_NAMES, seed, `${label}/given`)} ${pick(FAMILY_NAMES, seed, `${label}/family`)}`;
}

function makeEmail(name: string, index: number, kind: string): string {
  const local = name
    .normalize("NFD")
    .replace(/[^A-Za-z ]/g, "")
    .toLowerCase()
    .replace(" ", ".");
  return `${local}.${index + 1}@${kind}.example.com`;
}

function pick(list: readonly string[], seed: Seed, label: string): string {
  return list[seed.number(label, list.length)] ?? "";
}

// Dates follow from the position, not from the clock, so that two runs give the same data.
function makeDate(index: number): string {
  return new Date(FIRST_DAY + index * DAY_MS).toISOString();
}
