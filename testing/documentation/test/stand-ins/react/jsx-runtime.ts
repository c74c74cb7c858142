type Props = Readonly<Record<string, unknown>>;

// biome-ignore lint/style/noNamespace: TypeScript looks for the types of JSX in a namespace of this name.
export declare namespace JSX {
  type Element = string;
  type IntrinsicElements = Record<string, Props>;
}

/** Renders an element of HTML at once. */
export function jsx(name: string, { children, ...attributes }: Props): string {
  const pairs = Object.entries(attributes).map(([attribute, value]) => ` ${attribute}="${value}"`);
  return `<${name}${pairs.join("")}>${[children ?? ""].flat().join("")}</${name}>`;
}

export const jsxs = jsx;
