/** What a page links to. */
export interface Links {
  /** The targets of `[text](target)`, `[label]: target` and `<https://…>`. */
  readonly targets: readonly string[];
  /** Labels that `[text][label]` uses and nothing defines. */
  readonly undefinedLabels: readonly string[];
  /** Labels that are defined and not used. */
  readonly unusedLabels: readonly string[];
}

/** Finds the links of a page of Markdown. Code has no links. */
export function linksIn(page: string): Links {
  const text = withoutCode(page);
  const inline = all(text, /\]\(\s*<?([^)\s>]+)/g);
  const bare = all(text, /<(https?:[^>]+)>/g);
  const definitions = new Map(
    [...text.matchAll(/^\[([^\]]+)\]:\s*(\S+)/gm)].map(([, label = "", target = ""]) => [label, target]),
  );
  const body = text.replace(/^\[[^\]]+\]:.*$/gm, "");
  const named = all(body, /\]\[([^\]]+)\]/g);
  const short = all(body, /(?<!\])\[([^\]]+)\](?![[(:])/g);
  return {
    targets: [...inline, ...bare, ...definitions.values()],
    undefinedLabels: named.filter((label) => !definitions.has(label)),
    unusedLabels: [...definitions.keys()].filter((label) => !named.includes(label) && !short.includes(label)),
  };
}

/** Finds the anchors of a page's headings, as GitHub makes them. */
export function anchorsIn(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const heading of all(withoutFences(page), /^#{1,6}\s+(.+?)\s*$/gm)) {
    const words = heading.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy += 1) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
}

const withoutFences = (page: string): string => page.replace(/^( *)```.*?^\1```/gms, "");

// Code may be the text of a link, so something stays in its place.
const withoutCode = (page: string): string => withoutFences(page).replace(/`[^`\n]*`/g, "code");

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = ""]) => found);
