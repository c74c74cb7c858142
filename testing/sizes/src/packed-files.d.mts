/** The folders of `packages`, by name. */
export declare function packageNames(): string[];

/** Reads the files that the tarball of a package contains, by their paths in it, in the order of their paths. */
export declare function readPackedFiles(name: string): Map<string, Buffer>;
