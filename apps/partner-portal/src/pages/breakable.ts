import { type HtmlValue, html } from "../html.js";

/** A text in which an e-mail address that is too long for its place breaks before the domain, not within a word. */
export function breakable(text: string): HtmlValue {
  return text.split(/(?=@)/).map((part, index) => html`${index > 0 && html`<wbr>`}${part}`);
}
