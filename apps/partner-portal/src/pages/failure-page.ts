import { type Html, html } from "../html.js";
import { layout } from "./layout.js";

/** What went wrong, in the words of the person who sees it. */
export interface Failure {
  readonly title: string;
  /** What happened. */
  readonly text: string;
  /** What to do next. */
  readonly action: { readonly name: string; readonly path: string };
  /** Whether the home page would say the same, so that there is no point in going there. */
  readonly isEverywhere?: boolean;
}

/**
 * The page of something that went wrong.
 *
 * @param contact The contact to show: an e-mail address, or an https address.
 */
export function failurePage(
  { title, text, action, isEverywhere = false }: Failure,
  contact: string,
  isSignedIn: boolean,
): Html {
  return layout(
    { title, isSignedIn },
    html`<section class="failure">
<h1>${title}</h1>
<p class="lead">${text}</p>
<p class="actions"><a class="primary button" href="${action.path}">${action.name}</a>${
      action.path !== "/" && !isEverywhere && html`<a class="button" href="/">Go to the home page</a>`
    }</p>
<p>Still not working? Contact <a href="${contact.startsWith("https://") ? contact : `mailto:${contact}`}">${contact}</a>.</p>
</section>`,
  );
}
