import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** An `@example` in the docstring of something that a package exports. */
export interface DocstringExample {
  readonly name: string;
  /** The package, the file and the line where it stands. */
  readonly from: string;
  readonly package: string;
  readonly code: string;
}

export interface Docstrings {
  readonly examples: readonly DocstringExample[];
  /** Exported functions whose docstring has no example. */
  readonly withoutExample: readonly string[];
}

interface Exported {
  readonly name: string;
  readonly isType: boolean;
  /** The file that declares it. */
  readonly file: string;
}

const parse = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);

/** What `src/index.ts` of a package exports, where it declares something itself included. */
export function exportsOf(workspace: string, packageName: string): readonly Exported[] {
  const index = join(workspace, "packages", packageName, "src/index.ts");
  if (!existsSync(index)) return [];
  return parse(index).statements.flatMap((statement): readonly Exported[] => {
    if (!ts.isExportDeclaration(statement)) {
      const isExported = ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExportKeyword);
      if (isExported !== true) return [];
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      return namesOf(statement).map((name) => ({ name, isType, file: index }));
    }
    const { exportClause, moduleSpecifier, isTypeOnly } = statement;
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) return [];
    const path = moduleSpecifier && ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : "";
    const file = join(dirname(index), path.replace(/\.js$/, ".ts"));
    return exportClause.elements.map((element) => ({
      name: element.name.text,
      isType: isTypeOnly || element.isTypeOnly,
      file,
    }));
  });
}

const isExportKeyword = ({ kind }: ts.ModifierLike): boolean => kind === ts.SyntaxKind.ExportKeyword;

/** The names that a top-level statement declares. */
function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as { name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}

function isFunction(statement: ts.Statement): boolean {
  if (ts.isFunctionDeclaration(statement)) return true;
  if (!ts.isVariableStatement(statement)) return false;
  return statement.declarationList.declarations.some(
    ({ initializer }) =>
      initializer !== undefined && (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer)),
  );
}

/** Reads the docstrings of all that the packages export. */
export function readDocstrings(workspace: string): Docstrings {
  const examples: DocstringExample[] = [];
  const withoutExample: string[] = [];
  for (const packageName of readdirSync(join(workspace, "packages"))) {
    const exported = exportsOf(workspace, packageName);
    for (const file of new Set(exported.map((each) => each.file))) {
      if (!existsSync(file)) continue;
      const source = parse(file);
      const isPublic = (name: string, isType?: boolean): boolean =>
        exported.some(
          (each) =>
            each.file === file && each.name === name && (isType === undefined || each.isType === isType),
        );
      for (const statement of source.statements) {
        const names = namesOf(statement);
        if (!names.some((name) => isPublic(name))) continue;
        const found = examplesIn(statement, source).map(({ code, line }) => {
          const from = `${relative(workspace, file)}:${line}`;
          return { name: from.replaceAll(/[/.:]/g, "-"), from, package: packageName, code };
        });
        examples.push(...found);
        const functions = names.filter((name) => isPublic(name, false) && isFunction(statement));
        if (found.length === 0) withoutExample.push(...functions.map((name) => `${packageName}: ${name}`));
      }
    }
  }
  return { examples, withoutExample };
}

function examplesIn(
  node: ts.Node,
  source: ts.SourceFile,
): readonly { readonly code: string; readonly line: number }[] {
  const found: { code: string; line: number }[] = [];
  for (const { tags = [] } of (node as { jsDoc?: readonly ts.JSDoc[] }).jsDoc ?? []) {
    for (const tag of tags) {
      if (tag.tagName.text !== "example") continue;
      const code = ts.getTextOfJSDocComment(tag.comment) ?? "";
      const { line } = source.getLineAndCharacterOfPosition(tag.getStart(source));
      found.push({ code: code.replaceAll(/^```(?:ts)?$/gm, ""), line: line + 1 });
    }
  }
  ts.forEachChild(node, (child) => void found.push(...examplesIn(child, source)));
  return found;
}

/** Every name in an example that it may have from elsewhere. */
export function namesIn(code: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true));
  return names;
}
