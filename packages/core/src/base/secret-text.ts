// Checks of secrets, without regular expressions: `RegExp.input` and its kin would keep the last text that matched, and
// show it to all code in the process.

/** True for text of visible ASCII characters, at least one: a header can carry it as one word. */
export function isVisibleAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x21 || unit > 0x7e) return false;
  }
  return text !== "";
}

/** True for text with a control character, such as a line break, a tab or a zero byte. */
export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

/** True for text without lone surrogates, which UTF-8 can encode. */
export function isWellFormed(text: string): boolean {
  for (const character of text) {
    const unit = character.charCodeAt(0);
    if (character.length === 1 && unit >= 0xd800 && unit <= 0xdfff) return false;
  }
  return true;
}
