import { type Html, html } from "../web/html.js";
import { renderPage } from "./layout.js";

/** A failure in words for the person who sees the page. */
export interface Failure {
  readonly title: string;
  /** What happened. */
  readonly text: string;
  /** What to do next. */
  readonly action: { readonly name: string; readonly path: string };
  /** True when the home page would fail in the same way, so the page has no link to it. */
  readonly isEverywhere?: boolean;
}

/**
 * Renders the page of a failure.
 *
 * @param contact The contact to show: an e-mail address or an https address.
 */
export function renderFailurePage(
  { title, text, action, isEverywhere = false }: Failure,
  contact: string,
  viewer: string | undefined,
): Html {
  return renderPage(
    { title, viewer },
    html`<section class="failure">
<h1>${title}</h1>
<p class="lead">${text}</p>
<p class="actions"><a class="primary button" href="${action.path}">${action.name}</a>${
      action.path !== "/" && !isEverywhere && html`<a class="button" href="/">Go to the home page</a>`
    }</p>
<p>If this keeps happening, contact <a href="${contact.startsWith("https://") ? contact : `mailto:${contact}`}">${contact}</a>.</p>
</section>`,
  );
}
