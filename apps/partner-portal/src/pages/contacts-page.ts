import type { Contact, ContactPage } from "../api/contacts.js";
import { type Html, html } from "../web/html.js";
import { breakAtDomain } from "./break-at-domain.js";
import { renderPage } from "./layout.js";

/** Renders the contacts found: all of them, or those whose name contains `text`. */
export function renderContactsPage(viewer: string, text: string, found: ContactPage): Html {
  return renderPage(
    { title: formatTitle(text, found), viewer, part: "/contacts" },
    html`<h1>Contacts</h1>
<form class="search" role="search" method="get" action="/contacts">
<label for="q">Name</label>
<input id="q" name="q" type="search" value="${text}" maxlength="100" autocomplete="off" spellcheck="false" dir="auto" placeholder="Part of a name">
<button class="primary">Search</button>
</form>
<p class="count" role="status">${renderCount(text, found)}${
      text !== "" && html` <a href="/contacts">Show all</a>`
    }</p>
${found.contacts.length === 0 ? renderEmptyList(text, found) : renderTable(found.contacts)}
${found.pages > 1 && found.contacts.length > 0 && renderPaging(text, found)}`,
  );
}

function formatTitle(text: string, { page }: ContactPage): string {
  const title = text === "" ? "Contacts" : `“${text}” in contacts`;
  return page === 1 ? title : `${title}, page ${page}`;
}

function renderCount(text: string, { total, page, pages }: ContactPage): Html {
  const people = total === 1 ? "1 contact" : `${total} contacts`;
  return html`${people}${text !== "" && html` with “<bdi>${text}</bdi>” in the name`}${
    pages > 1 && page <= pages && html`, page ${page} of ${pages}`
  }.`;
}

function renderEmptyList(text: string, { total }: ContactPage): Html {
  const advice =
    total > 0
      ? html`The list has fewer pages. <a href="${formatAddress(text, 1)}">Go to the first page</a>.`
      : text === ""
        ? html`Contacts added in Talkdesk appear here.`
        : html`Check the spelling, or try fewer letters.`;
  return html`<div class="empty"><p class="name">${total > 0 ? "Nothing on this page" : text === "" ? "No contacts yet" : "No contacts found"}</p><p>${advice}</p></div>`;
}

function renderTable(contacts: readonly Contact[]): Html {
  return html`<div class="panel table"><table>
<caption class="unseen">Contacts by name</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Company</th><th scope="col">E-mail</th><th scope="col">Phone</th></tr></thead>
<tbody>${contacts.map(
    ({ name, company, emails, phones }) => html`
<tr><th scope="row"><bdi>${name || "No name"}</bdi></th>${renderCell("Company", [company])}${renderCell("E-mail", emails)}${renderCell("Phone", phones)}</tr>`,
  )}
</tbody>
</table></div>`;
}

function renderCell(label: string, values: readonly string[]): Html {
  const shown = values.filter((value) => value !== "");
  return html`<td data-label="${label}">${shown.length === 0 ? "–" : shown.map((value) => html`<span dir="auto">${breakAtDomain(value)}</span>`)}</td>`;
}

function renderPaging(text: string, { page, pages }: ContactPage): Html {
  const renderStep = (to: number, rel: string, name: string): Html =>
    to < 1 || to > pages
      ? html`<span class="button" aria-disabled="true">${name}</span>`
      : html`<a class="button" rel="${rel}" href="${formatAddress(text, to)}">${name}</a>`;
  return html`<nav class="paging" aria-label="Pages">${renderStep(page - 1, "prev", "Previous")}<span>${page} / ${pages}</span>${renderStep(page + 1, "next", "Next")}</nav>`;
}

function formatAddress(text: string, page: number): string {
  const query = new URLSearchParams({
    ...(text !== "" && { q: text }),
    ...(page > 1 && { page: String(page) }),
  });
  return query.size === 0 ? "/contacts" : `/contacts?${query}`;
}
