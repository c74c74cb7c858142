import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, type FieldError } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { Contact, ContactDraft } from "../world/directory.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readJsonObject } from "./json-body.js";
import { halAnswer, pageAnswer } from "./paging.js";

/** `GET` and `POST /contacts`, `GET` and `PUT /contacts/{id}`. */
export const CONTACT_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: /^\/contacts$/, scope: "contacts:read", answer: listContacts },
  { method: "POST", path: /^\/contacts$/, scope: "contacts:write", answer: addContact },
  { method: "GET", path: /^\/contacts\/([^/]+)$/, scope: "contacts:read", answer: showContact },
  { method: "PUT", path: /^\/contacts\/([^/]+)$/, scope: "contacts:write", answer: replaceContact },
];

function listContacts(call: ApiCall): Answer {
  const wanted = call.query.get("q")?.toLowerCase() ?? "";
  const found = call.directory.contacts.filter(({ name }) => name.toLowerCase().includes(wanted));
  return pageAnswer(call, "contacts", found, (contact) => presentContact(contact, call.origin));
}

function addContact({ request, directory, origin }: ApiCall): Answer {
  const draft = readDraft(request);
  if (Array.isArray(draft)) return invalidContact(draft);
  if (!directory.hasRoomFor(draft as ContactDraft)) return contactsFull();
  const contact = directory.addContact(draft as ContactDraft);
  return halAnswer(201, presentContact(contact, origin), { location: `${origin}/contacts/${contact.id}` });
}

function showContact({ parameters, directory, origin }: ApiCall): Answer {
  const contact = directory.contacts.find(({ id }) => id === parameters[0]);
  return contact === undefined ? contactNotFound() : halAnswer(200, presentContact(contact, origin));
}

function replaceContact({ request, parameters, directory, origin }: ApiCall): Answer {
  const draft = readDraft(request);
  if (Array.isArray(draft)) return invalidContact(draft);
  if (!directory.hasRoomFor(draft as ContactDraft)) return contactsFull();
  const contact = directory.replaceContact(parameters[0] ?? "", draft as ContactDraft);
  return contact === undefined ? contactNotFound() : halAnswer(200, presentContact(contact, origin));
}

function presentContact(contact: Contact, origin: string): Record<string, unknown> {
  return { ...contact, _links: { self: { href: `${origin}/contacts/${contact.id}` } } };
}

/** Reads the contact in a body, or tells which members are wrong. */
function readDraft(request: RequestRecord): ContactDraft | readonly FieldError[] {
  const body = readJsonObject(request);
  if (body === undefined)
    return [{ name: "body", description: "Must be a JSON object, sent as application/json." }];
  const { name, company, emails = [], phones = [] } = body;
  const wrong: FieldError[] = [];
  if (typeof name !== "string" || name.trim() === "") {
    wrong.push({ name: "name", description: "Must be a string that is not empty." });
  }
  if (company !== undefined && typeof company !== "string") {
    wrong.push({ name: "company", description: "Must be a string." });
  }
  if (!isListOf(emails, "email")) wrong.push({ name: "emails", description: "Must be a list of { email }." });
  if (!isListOf(phones, "number"))
    wrong.push({ name: "phones", description: "Must be a list of { number }." });
  if (wrong.length > 0) return wrong;
  return {
    name: name as string,
    ...(company !== undefined && { company: company as string }),
    emails: (emails as { email: string }[]).map(({ email }) => ({ email })),
    phones: (phones as { number: string }[]).map(({ number }) => ({ number })),
  };
}

function isListOf(value: unknown, member: string): boolean {
  return Array.isArray(value) && value.every((item) => typeof item?.[member] === "string");
}

function invalidContact(fields: readonly FieldError[]): Answer {
  return apiError(400, API_ERROR_CODES.invalidRequest, "Invalid contact", { fields });
}

/** The real service has no such limit. The emulator keeps contacts in memory. */
function contactsFull(): Answer {
  return apiError(507, API_ERROR_CODES.invalidRequest, "The emulator cannot keep more contacts");
}

function contactNotFound(): Answer {
  return apiError(404, API_ERROR_CODES.contactNotFound, "Contact not found");
}
