/**
 * What `sysieve-reach` says of one file (native/reach/scan.cc). The file is the container's, so
 * nothing in it is taken on trust: every index is checked here, once.
 */
import { SysieveError } from '../errors';

/** Name and version; '': none. */
export type ImportedSymbol = readonly [name: string, version: string];

/** Name, version, whether an import without a version binds to it, and its function; -1: leads nowhere. */
export type ExportedSymbol = readonly [
  name: string,
  version: string,
  isDefault: 0 | 1,
  functionIndex: number,
];

/** Those alone from which a call or an import can be reached. */
export interface ScannedFunction {
  /** Address in the file. */
  readonly at: number;
  readonly name?: string;
  readonly calls?: readonly number[];
  /** Indexes of imports that it calls. */
  readonly imports?: readonly number[];
  /** Functions whose address it takes. */
  readonly takes?: readonly number[];
  readonly importTakes?: readonly number[];
  /** Numbers of calls by `syscall`; with the bit of x32, that ABI's. */
  readonly native?: readonly number[];
  /** Numbers of i386's calls, by `int 0x80` and `sysenter`. */
  readonly foreign?: readonly number[];
  /** Gates whose number is not known. */
  readonly unresolved?: number;
  /** What its callers give it is the number of a call. */
  readonly wraps?: true;
}

export interface Scan {
  readonly buildId: string;
  readonly soname: string;
  readonly interpreter: string;
  readonly runPath: string;
  readonly needed: readonly string[];
  readonly static: boolean;
  readonly go: boolean;
  /** -1: none. */
  readonly entry: number;
  /** What the loader calls. */
  readonly starts: readonly number[];
  /** Functions whose address lies in data. */
  readonly taken: readonly number[];
  readonly takenImports: readonly number[];
  readonly imports: readonly ImportedSymbol[];
  readonly exports: readonly ExportedSymbol[];
  readonly functions: readonly ScannedFunction[];
  /** Names of calls in its data, where it looks symbols up by name. */
  readonly lookedUp: readonly string[];
  /** Bytes of code that are no instructions. */
  readonly undecoded: number;
  /** What did not fit and was left out. */
  readonly oddities: number;
}

const VERSION = 1;

function fail(source: string, what: string): never {
  throw new SysieveError('defect', 'scan-malformed', `${source}: the scanner's answer: ${what}`);
}

/** Throws a defect where it is not what the scanner writes. */
export function readScan(value: unknown, source: string): Scan {
  const scan = value as Scan & { version: number };
  if (typeof scan !== 'object' || scan === null || scan.version !== VERSION)
    fail(source, 'an unknown version');
  const count = (list: unknown, name: string): number => {
    if (!Array.isArray(list)) fail(source, `${name} is no list`);
    return list.length;
  };
  const functions = count(scan.functions, 'functions');
  const imports = count(scan.imports, 'imports');
  const below = (list: unknown, limit: number, name: string): void => {
    if (list === undefined) return;
    count(list, name);
    for (const one of list as unknown[]) {
      if (!Number.isInteger(one) || (one as number) < 0 || (one as number) >= limit)
        fail(source, `${name} holds ${String(one)}`);
    }
  };
  const words = (list: unknown, name: string): void => {
    count(list, name);
    if ((list as unknown[]).some((one) => typeof one !== 'string')) fail(source, name);
  };
  for (const one of scan.functions) {
    if (!Number.isInteger(one.at)) fail(source, 'a function without an address');
    if (one.name !== undefined && typeof one.name !== 'string') fail(source, 'a name');
    below(one.calls, functions, 'calls');
    below(one.takes, functions, 'takes');
    below(one.imports, imports, 'imports');
    below(one.importTakes, imports, 'importTakes');
    below(one.native, 2 ** 31, 'native');
    below(one.foreign, 2 ** 31, 'foreign');
  }
  for (const [name, version] of scan.imports) words([name, version], 'imports');
  for (const [name, version, , at] of scan.exports) {
    words([name, version], 'exports');
    if (!Number.isInteger(at) || at < -1 || at >= functions) fail(source, 'exports');
  }
  for (const name of ['buildId', 'soname', 'interpreter', 'runPath'] as const) {
    if (typeof scan[name] !== 'string') fail(source, name);
  }
  words(scan.needed, 'needed');
  words(scan.lookedUp, 'lookedUp');
  if (!Number.isInteger(scan.entry) || scan.entry < -1 || scan.entry >= functions)
    fail(source, 'entry');
  below(scan.starts, functions, 'starts');
  below(scan.taken, functions, 'taken');
  below(scan.takenImports, imports, 'takenImports');
  return scan;
}
