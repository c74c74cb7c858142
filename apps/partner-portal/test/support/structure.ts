/**
 * Finds what is wrong with a page for those who do not see it, or use no mouse. Runs in the browser, so it stands alone.
 *
 * @returns One sentence for each fault.
 */
export function findStructureFaults(): string[] {
  const faults: string[] = [];
  const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
  const expectOne = (selector: string): void => {
    const { length } = all(selector);
    if (length !== 1) faults.push(`${length} of ${selector}`);
  };
  const nameOf = (element: Element): string => {
    const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])] : [];
    const pictures = [...element.querySelectorAll("img")].map(({ alt }) => alt);
    return [
      element.getAttribute("aria-label"),
      ...labels.map(({ textContent }) => textContent),
      element.textContent,
      ...pictures,
    ]
      .join("")
      .trim();
  };

  if (!document.documentElement.lang) faults.push("no language");
  for (const landmark of ["main", "body > header", "body > footer", "h1", "head > title"]) {
    expectOne(landmark);
  }
  if (document.querySelector("main h1") === null) faults.push("the first heading is outside the main part");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.tagName.slice(1));
    if (next > level + 1) faults.push(`h${next} after h${level}: ${heading.textContent}`);
    if (nameOf(heading) === "") faults.push(`an empty h${next}`);
    level = next;
  }
  for (const element of all("a, button, input, nav, progress, table")) {
    const isNamed = element.matches("nav, progress, table")
      ? element.hasAttribute("aria-label") || element.querySelector("caption") !== null
      : nameOf(element) !== "";
    if (!isNamed) faults.push(`without a name: ${element.outerHTML.slice(0, 80)}`);
  }
  for (const picture of all("img:not([alt])")) faults.push(`without alt: ${picture.outerHTML}`);
  for (const cell of all("th:not([scope])")) faults.push(`without scope: ${cell.outerHTML.slice(0, 80)}`);
  const ids = all("[id]").map(({ id }) => id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice: #${id}`);
  for (const attribute of ["aria-describedby", "aria-labelledby", "for"]) {
    for (const element of all(`[${attribute}]`)) {
      const id = element.getAttribute(attribute) ?? "";
      if (!ids.includes(id)) faults.push(`${attribute} leads nowhere: ${id}`);
    }
  }
  // The order of the focus is that of the page, and that of the page is the one people see.
  for (const element of all("[tabindex]")) {
    if ((element as HTMLElement).tabIndex > 0) faults.push(`out of order: ${element.outerHTML.slice(0, 80)}`);
  }
  const [first] = all("a[href], button, input");
  const target = first?.getAttribute("href") ?? "";
  if (!first?.matches(".skip") || document.querySelector(target)?.tagName !== "MAIN") {
    faults.push("the first link does not skip to the main part");
  }
  return faults;
}
