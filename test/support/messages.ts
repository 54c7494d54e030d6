/**
 * All errors that the sources make, read by the TypeScript compiler and not by running them: what is
 * computed stands as `…`. A name is followed to its initialiser, and a parameter to the calls of its
 * function within the file; a table of refusals counts as the errors that are made of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { ROOT } from './recorder';

export const COMPUTED = '…';

export interface ErrorSite {
  place: string;
  kinds: string[];
  codes: string[];
  messages: string[];
  causes: string[];
  remedies: string[];
  /** It may be made without a remedy. */
  bare: boolean;
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** The function whose parameter it is. */
function calledAs(owner: ts.SignatureDeclaration): string | undefined {
  if (owner.name !== undefined) return owner.name.getText();
  return ts.isVariableDeclaration(owner.parent) ? owner.parent.name.getText() : undefined;
}

function literalsOf(type: ts.TypeNode | undefined): string[] | null {
  if (type === undefined) return null;
  const parts = ts.isUnionTypeNode(type) ? [...type.types] : [type];
  const texts = parts.flatMap((part) =>
    ts.isLiteralTypeNode(part) && ts.isStringLiteral(part.literal) ? [part.literal.text] : [],
  );
  return texts.length === parts.length ? texts : null;
}

function propertyOf(object: ts.ObjectLiteralExpression, key: string): ts.Expression | undefined {
  for (const property of object.properties) {
    if (property.name?.getText() !== key) continue;
    if (ts.isPropertyAssignment(property)) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property)) return property.name;
  }
  return undefined;
}

class Reader {
  constructor(private readonly file: ts.SourceFile) {}

  all<T extends ts.Node>(is: (node: ts.Node) => node is T): T[] {
    const found: T[] = [];
    const visit = (node: ts.Node): void => {
      if (is(node)) found.push(node);
      ts.forEachChild(node, visit);
    };
    visit(this.file);
    return found;
  }

  placeOf(node: ts.Node): string {
    const { line } = this.file.getLineAndCharacterOfPosition(node.getStart());
    return `${relative(ROOT, this.file.fileName)}:${line + 1}`;
  }

  /** Every text that an expression may have. */
  texts(node: ts.Expression, depth = 0): string[] {
    const deeper = (inner: ts.Expression) => this.texts(inner, depth + 1);
    if (depth > 8) return [COMPUTED];
    if (ts.isStringLiteralLike(node)) return [node.text];
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node))
      return deeper(node.expression);
    if (ts.isConditionalExpression(node))
      return [...deeper(node.whenTrue), ...deeper(node.whenFalse)];
    if (ts.isTemplateExpression(node)) {
      let made = [node.head.text];
      for (const { expression, literal } of node.templateSpans) {
        const inner = ts.isIdentifier(expression) ? deeper(expression) : [COMPUTED];
        made = made.flatMap((text) => inner.map((value) => text + value + literal.text));
      }
      return unique(made);
    }
    if (ts.isBinaryExpression(node)) {
      const kind = node.operatorToken.kind;
      const [left, right] = [deeper(node.left), deeper(node.right)];
      if (kind === ts.SyntaxKind.PlusToken)
        return left.flatMap((text) => right.map((more) => text + more));
      return [...left.filter((text) => text !== COMPUTED), ...right];
    }
    if (ts.isElementAccessExpression(node)) {
      const tables = this.objects(node.expression, depth + 1);
      const values = tables.flatMap(({ properties }) =>
        properties.flatMap((one) => (ts.isPropertyAssignment(one) ? deeper(one.initializer) : [])),
      );
      return values.length === 0 ? [COMPUTED] : unique(values);
    }
    return ts.isIdentifier(node) ? this.named(node, depth + 1) : [COMPUTED];
  }

  /** The object literals that an expression may be; of a table, its rows. */
  private objects(node: ts.Expression, depth: number): ts.ObjectLiteralExpression[] {
    if (depth > 8) return [];
    if (ts.isObjectLiteralExpression(node)) return [node];
    if (ts.isBinaryExpression(node))
      return [...this.objects(node.left, depth), ...this.objects(node.right, depth)];
    if (ts.isElementAccessExpression(node)) {
      return this.objects(node.expression, depth + 1).flatMap(({ properties }) =>
        properties.flatMap((row) =>
          ts.isPropertyAssignment(row) ? this.objects(row.initializer, depth + 1) : [],
        ),
      );
    }
    if (!ts.isIdentifier(node)) return [];
    return this.all(ts.isVariableDeclaration).flatMap(({ name, initializer }) =>
      name.getText() === node.text && initializer !== undefined
        ? this.objects(initializer, depth + 1)
        : [],
    );
  }

  /** What a name stands for: its nearest declaration in the file. */
  private named({ text: name, parent }: ts.Identifier, depth: number): string[] {
    for (let scope: ts.Node = parent; scope !== undefined; scope = scope.parent) {
      if (ts.isFunctionLike(scope)) {
        const index = scope.parameters.findIndex((one) => one.name.getText() === name);
        if (index >= 0) return this.passed(scope, index, depth);
      }
      if (!ts.isBlock(scope) && !ts.isSourceFile(scope) && !ts.isCaseClause(scope)) continue;
      for (const statement of scope.statements) {
        if (!ts.isVariableStatement(statement)) continue;
        for (const { name: bound, initializer } of statement.declarationList.declarations) {
          if (initializer === undefined) continue;
          if (bound.getText() === name) return this.texts(initializer, depth);
          if (!ts.isObjectBindingPattern(bound)) continue;
          if (!bound.elements.some((element) => element.name.getText() === name)) continue;
          const values = this.objects(initializer, depth).flatMap((row) => {
            const value = propertyOf(row, name);
            return value === undefined ? [] : this.texts(value, depth);
          });
          return values.length === 0 ? [COMPUTED] : unique(values);
        }
      }
    }
    return [COMPUTED];
  }

  private passed(owner: ts.SignatureDeclaration, index: number, depth: number): string[] {
    const literals = literalsOf(owner.parameters[index]?.type);
    if (literals !== null) return literals;
    const name = calledAs(owner);
    const values = this.all(ts.isCallExpression).flatMap(({ expression, arguments: given }) => {
      const value = given[index];
      return expression.getText() === name && value !== undefined ? this.texts(value, depth) : [];
    });
    // Others may call it, with what is not read here.
    const exported = ts.canHaveModifiers(owner)
      ? ts.getModifiers(owner)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      : false;
    return exported === true || values.length === 0
      ? unique([...values, COMPUTED])
      : unique(values);
  }

  /** `key` of the details of an error; null: it may be without. */
  private detail(node: ts.Expression | undefined, key: string): (string | null)[] {
    if (node === undefined) return [null];
    if (ts.isConditionalExpression(node))
      return [...this.detail(node.whenTrue, key), ...this.detail(node.whenFalse, key)];
    if (!ts.isObjectLiteralExpression(node)) return [COMPUTED];
    const value = propertyOf(node, key);
    if (value !== undefined) return this.texts(value);
    const spread = node.properties.filter(ts.isSpreadAssignment);
    const found = spread.flatMap(({ expression }) => {
      const inner = ts.isParenthesizedExpression(expression) ? expression.expression : expression;
      return this.detail(inner, key);
    });
    return found.length === 0 ? [null] : found;
  }

  error({ arguments: given = ts.factory.createNodeArray() }: ts.NewExpression): ErrorSite {
    const [kind, code, message, details] = given;
    if (kind === undefined || code === undefined || message === undefined)
      throw new Error(`${this.file.fileName}: an error of too few arguments`);
    const some = (texts: readonly (string | null)[]) =>
      unique(texts.filter((text): text is string => text !== null));
    const remedies = this.detail(details, 'remedy');
    return {
      place: this.placeOf(kind),
      kinds: unique(this.texts(kind)),
      codes: unique(this.texts(code)),
      messages: unique(this.texts(message)),
      causes: some(this.detail(details, 'cause')),
      remedies: some(remedies),
      bare: remedies.includes(null),
    };
  }

  /** Rows of a table that have a kind, a code and a message. */
  row(node: ts.ObjectLiteralExpression): ErrorSite[] {
    const [kind, code, message] = ['kind', 'code', 'message'].map((key) => propertyOf(node, key));
    if (kind === undefined || code === undefined || message === undefined) return [];
    if (!ts.isStringLiteral(kind)) return [];
    const remedy = propertyOf(node, 'remedy');
    return [
      {
        place: this.placeOf(node),
        kinds: this.texts(kind),
        codes: this.texts(code),
        messages: this.texts(message),
        causes: [],
        remedies: remedy === undefined ? [] : this.texts(remedy),
        bare: remedy === undefined,
      },
    ];
  }

  errors(): ErrorSite[] {
    const made = this.all(ts.isNewExpression).filter(
      ({ expression }) => expression.getText() === 'SysieveError',
    );
    return [
      ...made.map((node) => this.error(node)),
      ...this.all(ts.isObjectLiteralExpression).flatMap((node) => this.row(node)),
    ];
  }

  /** A field of doctor's lines: of objects that are findings, with what functions make them of. */
  findings(field: 'name' | 'remedy'): string[] {
    const written = this.all(ts.isObjectLiteralExpression).flatMap((node) => {
      const keys = ['name', 'ok', 'detail', 'remedy'];
      if (keys.some((key) => propertyOf(node, key) === undefined)) return [];
      const value = propertyOf(node, field);
      return value === undefined ? [] : this.texts(value);
    });
    return unique(written.filter((text) => text !== COMPUTED));
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function readerOf(path: string): Reader {
  const text = readFileSync(path, 'utf8');
  return new Reader(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
}

export function allErrors(): ErrorSite[] {
  return filesIn(join(ROOT, 'src'))
    .sort()
    .flatMap((path) => readerOf(path).errors());
}

/** The names of what `sysieve doctor` has a line for, or its own remedies. */
export function ofDoctor(field: 'name' | 'remedy'): string[] {
  const files = ['src/capture/doctor.ts', 'src/cli/doctor.ts'];
  return unique(files.flatMap((file) => readerOf(join(ROOT, file)).findings(field)));
}
