// Checks of secrets without regular expressions: `RegExp.input` and its kin keep the last text that matched one, for
// anybody in the process, and keep it alive.

/** Whether the text is visible ASCII, without white space, and not empty: what a header can carry as one word. */
export function isVisibleAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x21 || unit > 0x7e) return false;
  }
  return text !== "";
}

/** Whether there is a control character in the text: a line break, a tab, a zero byte. */
export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

/** Whether the text can be written in UTF-8: it has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  for (const character of text) {
    const unit = character.charCodeAt(0);
    if (character.length === 1 && unit >= 0xd800 && unit <= 0xdfff) return false;
  }
  return true;
}
