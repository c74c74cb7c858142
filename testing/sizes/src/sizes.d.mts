/** Sizes in bytes, by what was measured and how. */
export type Sizes = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

/** Where the sizes are committed. */
export declare const SIZES_FILE: string;

/** Measures the build: the bundles of common uses and of each package's entry, and the tarballs. */
export declare function measureSizes(): Promise<Sizes>;
