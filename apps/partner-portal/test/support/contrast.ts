/** A text that is hard to read. */
export interface FaintText {
  readonly text: string;
  /** As WCAG 2 defines it. */
  readonly contrast: number;
}

/**
 * Finds the texts of a page whose contrast is below what WCAG 2 asks for at level AA. Runs in the browser, so it stands
 * alone; backgrounds are taken to be plain colours.
 */
export function findFaintTexts(): FaintText[] {
  const channels = (color: string): readonly number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([red = 0, green = 0, blue = 0]: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element: Element | null): readonly number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")].flatMap((element) => {
    const text = [...element.childNodes]
      .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
      .map(({ nodeValue }) => nodeValue?.trim())
      .join("");
    if (!element.checkVisibility()) return [];
    // What cannot be used is exempt.
    if (text === "" || element.matches("[aria-disabled], noscript, .unseen, .skip")) return [];
    const style = getComputedStyle(element);
    const [light = 0, dark = 0] = [luminance(channels(style.color)), luminance(backgroundOf(element))].sort(
      (a, b) => b - a,
    );
    const contrast = (light + 0.05) / (dark + 0.05);
    const isLarge = Number.parseFloat(style.fontSize) >= 24;
    return contrast < (isLarge ? 3 : 4.5) ? [{ text, contrast }] : [];
  });
}
