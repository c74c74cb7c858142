import { type HtmlValue, html } from "../web/html.js";

/** Lets a long e-mail address break before its domain instead of within a word. */
export function breakAtDomain(text: string): HtmlValue {
  return text.split(/(?=@)/).map((part, index) => html`${index > 0 && html`<wbr>`}${part}`);
}
