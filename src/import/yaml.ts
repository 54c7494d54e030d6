/**
 * YAML to a document as src/json reads JSON: plain data, and an error wherever two readers could
 * see different documents. Kubernetes reads YAML 1.1 and keeps the last of two keys; other tools
 * read 1.2. What both read alike is a plain subset of either, and that is what is taken.
 */
import type { Node, Pair, Scalar } from 'yaml';
import { SysieveError } from '../errors';
import { type JsonDocument, type JsonPath, type Located, place } from '../json';

/** Far above what an API server stores (1.5 MiB). */
const LIMIT = 4 * 1024 * 1024;
const DEPTH = 64;
const SHOWN = 60;

/** Read alike by YAML 1.1 (as Go's yaml has it) and 1.2. */
const INTEGER = /^(?:0|-?[1-9][0-9]{0,63}|0x[0-9a-fA-F]{1,16})$/;
/** A number, boolean or null in one of the two. */
const AMBIGUOUS =
  /^(?:[-+]?\.?[0-9][0-9a-fxo_.:]*(?:e[-+]?[0-9]+)?|[-+]?\.(?:inf|nan)|y|n|yes|no|on|off|true|false|null|~|=|<<)$/i;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
  ['', null],
]);

type Yaml = typeof import('yaml');

export interface YamlOptions {
  /** A noun that begins the codes of errors. */
  readonly what: string;
  /** Of what two readers may differ in (yes, 0.5, 8080:80): the text as it is written, no error. */
  readonly lenient: boolean;
  /** What to do about a file that uses more of YAML than is read here. */
  readonly remedy?: string;
}

const PROFILE: YamlOptions = { what: 'profile', lenient: false };

function short(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

class Reader {
  constructor(
    private readonly yaml: Yaml,
    private readonly options: YamlOptions,
    private readonly fail: (offset: number, says: string) => SysieveError,
  ) {}

  private refuse(node: unknown, says: string): SysieveError {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    return this.fail(range?.[0] ?? 0, says);
  }

  value(node: unknown, depth = 0): unknown {
    if (depth > DEPTH)
      throw this.refuse(node, `nested too deeply, expected at most ${DEPTH} levels`);
    const { yaml } = this;
    if (node === null || node === undefined) return null;
    if (yaml.isAlias(node)) {
      throw this.refuse(node, 'expected no alias: write what it stands for');
    }
    if (!yaml.isNode(node)) throw this.refuse(node, 'not a value');
    if (node.tag !== undefined) {
      throw this.refuse(node, 'expected no tag');
    }
    if (yaml.isSeq(node)) return node.items.map((item) => this.value(item, depth + 1));
    if (yaml.isMap(node)) return this.map(node.items, depth);
    return this.scalar(node as Scalar);
  }

  private map(pairs: readonly Pair<unknown, unknown>[], depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const pair of pairs) {
      const key = this.yaml.isScalar(pair.key) ? this.scalar(pair.key) : undefined;
      if (typeof key !== 'string') throw this.refuse(pair.key, 'expected a text as a key');
      if (Object.hasOwn(object, key)) {
        throw this.refuse(pair.key, `expected each key once, found ${short(key)} again`);
      }
      if (key === '__proto__') throw this.refuse(pair.key, 'expected no key "__proto__"');
      object[key] = this.value(pair.value, depth + 1);
    }
    return object;
  }

  private scalar(node: Scalar): unknown {
    if (node.type !== this.yaml.Scalar.PLAIN) return String(node.value);
    const written = node.source ?? '';
    const word = WORDS.get(written);
    if (word !== undefined) return word;
    if (INTEGER.test(written)) {
      const value = written.startsWith('-') ? -BigInt(written.slice(1)) : BigInt(written);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    if (AMBIGUOUS.test(written) && !this.options.lenient) {
      throw this.refuse(
        node,
        `expected a plain integer, or a text in quotes: readers of YAML differ in ${short(written)}`,
      );
    }
    return written;
  }
}

/** Where values are, for errors and places. */
function finderOf(yaml: Yaml, root: unknown, text: string): NonNullable<JsonDocument['finder']> {
  const offsetOf = (node: unknown): number | null =>
    (node as Node | null | undefined)?.range?.[0] ?? null;
  const find = (path: JsonPath): Located => {
    let node: unknown = root;
    let offset = offsetOf(root) ?? 0;
    let key = offset;
    for (const step of path) {
      let next: unknown;
      if (yaml.isSeq(node)) {
        next = node.items[Number(step)];
        if (next === undefined) return { offset, key: offset, there: false };
        key = offsetOf(next) ?? offset;
      } else {
        const pair = yaml.isMap(node)
          ? node.items.find(({ key: name }) => yaml.isScalar(name) && String(name.value) === step)
          : undefined;
        if (pair === undefined) return { offset, key: offset, there: false };
        next = pair.value;
        key = offsetOf(pair.key) ?? offset;
      }
      node = next;
      offset = offsetOf(next) ?? key;
    }
    return { offset, key, there: true };
  };
  const describe = (offset: number): string => {
    const rest = text.slice(offset, offset + SHOWN + 1);
    if (/^(?:- |-\n|\[)/.test(rest)) return 'a list';
    if (/^(?:\{|[\w.-]+:(?:\s|$))/.test(rest)) return 'an object';
    const word = /^(?:"[^"\n]*"?|'[^'\n]*'?|[^\s,\]}#]+)/.exec(rest)?.[0] ?? '';
    return word.length > SHOWN ? `${word.slice(0, SHOWN)}…` : word || 'nothing';
  };
  return { find, describe };
}

/** Throws a SysieveError with a place. The package is loaded here: JSON never needs it. */
export async function readYaml(
  text: string,
  source: string,
  options: YamlOptions = PROFILE,
): Promise<JsonDocument> {
  const { what, remedy } = options;
  const fail = (offset: number, says: string): SysieveError =>
    new SysieveError(
      'input',
      `${what}-syntax`,
      `${place(source, text, offset)}: ${says}`,
      remedy === undefined ? {} : { remedy },
    );
  if (text.length > LIMIT) {
    throw new SysieveError('input', 'file-too-large', `${source}: more than 4 MiB of YAML`, {
      remedy: `A ${what} is far smaller: is this the right file?`,
    });
  }
  const directive = /^%/m.exec(text);
  if (directive !== null) throw fail(directive.index, 'expected no YAML directive');
  // A CommonJS package: what it exports is the default of the module that import() makes of it.
  const { default: yaml } = (await import('yaml')) as unknown as { default: Yaml };
  const document = yaml.parseDocument(text, {
    version: '1.2',
    schema: 'failsafe',
    merge: false,
    // Quadratic in the package; checked here.
    uniqueKeys: false,
    prettyErrors: false,
    // Not silent: a second document would be no error then.
    logLevel: 'error',
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const several = problem.code === 'MULTIPLE_DOCS';
    const says = several ? 'expected one document, found another' : `not YAML: ${problem.message}`;
    throw fail(problem.pos[0], says);
  }
  if (document.contents === null) {
    throw new SysieveError('input', `${what}-truncated`, `${source}:1:1: the file is empty`, {
      remedy: `Give the whole ${what}.`,
    });
  }
  const value = new Reader(yaml, options, fail).value(document.contents);
  const finder = finderOf(yaml, document.contents, text);
  return { what, source, text, value, finder };
}
