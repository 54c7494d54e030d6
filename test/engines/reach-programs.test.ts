/**
 * Programs whose calls are known by construction (fixtures/reach/README.md): reach finds every one that
 * their code can make. What it finds besides stands in out/reach-programs.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeProgram, type ReachableExecutable } from '../../src/reach';
import { ProgramScanner } from '../../src/scan';

const ROOT = join(__dirname, '..', '..');
const SOURCES = join(ROOT, 'fixtures', 'reach');
const BUILT = join(ROOT, 'build', 'fixtures', 'reach');

interface Statement {
  name: string;
  /** How it is built, without the compiler's name for the result. */
  how: string;
  /** The empty program of its kind; null: it has no runtime. */
  base: string | null;
  calls: string[];
  not: string[];
  unresolved: number;
  maps: string[];
}

function statements(source: string): Statement[] {
  const heads = readFileSync(join(SOURCES, source), 'utf8').matchAll(/^\/\/ ([a-z-]+):(.*)$/gm);
  const found = new Map<string, string[]>();
  for (const [, key = '', text = ''] of heads)
    found.set(key, [...(found.get(key) ?? []), text.trim()]);
  const words = (key: string): string[] =>
    (found.get(key) ?? []).flatMap((line) => line.split(' ').filter((word) => word !== ''));
  const [own] = found.get('build') ?? [];
  const builds = [
    ...(own === undefined ? [] : [[source.replace(/\.[a-zA-Z]+$/, ''), own] as const]),
    ...(found.get('build-as') ?? []).map((line) => {
      const at = line.indexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  ];
  const base = words('base')[0] ?? null;
  return builds.map(([name, how]) => ({
    name,
    how,
    base: base === null ? null : baseOf(base, how),
    calls: words('calls'),
    not: words('not'),
    unresolved: Number(words('unresolved')[0] ?? 0),
    maps: words('maps'),
  }));
}

function baseOf(base: string, how: string): string {
  if (base === 'empty-cc' && how.includes('-static')) return 'empty-cc.static';
  if (base !== 'empty') return base;
  if (how.startsWith('musl-gcc')) return 'empty.musl';
  if (how.includes('-static-pie')) return 'empty.static-pie';
  return how.includes('-static') ? 'empty.static' : base;
}

const nameOf = ({ abi, name, number }: ReachableExecutable['calls'][number]): string =>
  `${abi === 'x86_64' ? '' : `${abi}:`}${name ?? number}`;

const scanner = new ProgramScanner('/');

async function look(name: string, maps: readonly string[] = []) {
  const mapped = maps.map((map) => join(BUILT, map));
  const found = describeProgram(await scanner.scan(join(BUILT, name), mapped));
  return {
    uncovered: found.uncovered,
    calls: new Set(found.calls.map(nameOf)),
    // Those of its own code: the C library has its own.
    unresolved: found.unresolved.filter(({ module }) => module === 0),
  };
}

const gatesOf = (unresolved: readonly { gates: number }[]): number =>
  unresolved.reduce((sum, { gates }) => sum + gates, 0);

const all = readdirSync(SOURCES)
  .filter((name) => /\.(c|cc|go|rs|S)$/.test(name))
  .flatMap(statements);
const rows: string[] = [];

beforeAll(() => {
  execFileSync(join(ROOT, 'scripts', 'build-reach-fixtures'), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}, 300_000);

afterAll(() => {
  mkdirSync(join(ROOT, 'out'), { recursive: true });
  writeFileSync(
    join(ROOT, 'out', 'reach-programs.md'),
    [
      '# Calls of programs that are known by construction',
      '',
      'By own code: what the program states. Besides: what is found neither there nor in the empty program of its kind,',
      'be it by a function of a library that the program uses, or falsely.',
      '',
      '| program | built by | by own code | found | missed | besides | unresolved |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...rows.sort(),
      '',
    ].join('\n'),
  );
});

test('there are at least twenty programs, in each of the languages', () => {
  const sources = readdirSync(SOURCES);
  expect(new Set(sources.filter((name) => !/^empty|\.(map|md)$/.test(name))).size).toBeGreaterThan(
    19,
  );
  for (const ending of ['.c', '.cc', '.go', '.rs', '.S'])
    expect(sources.some((name) => name.endsWith(ending))).toBe(true);
});

// A library is looked at with the program that uses it.
const programs = all.filter(({ name, calls }) => calls.length > 0 && !name.endsWith('.so'));

describe.each(programs)('$name', (one) => {
  test('every call of its own code is found', async () => {
    const found = await look(one.name, one.maps);
    const empty = one.base === null ? null : await look(one.base);
    const missed = one.calls.filter((call) => !found.calls.has(call));
    const besides = [...found.calls].filter(
      (call) => !one.calls.includes(call) && empty?.calls.has(call) !== true,
    );
    const unresolved = gatesOf(found.unresolved) - gatesOf(empty?.unresolved ?? []);
    rows.push(
      `| ${one.name} | ${one.how} | ${one.calls.length} | ${one.calls.length - missed.length} | ` +
        `${missed.join(' ')} | ${besides.length}${besides.length > 0 && besides.length <= 12 ? `: ${besides.join(' ')}` : ''} | ${unresolved} |`,
    );
    expect(missed).toEqual([]);
    expect(found.uncovered).toEqual([]);
    // What cannot be told is said, and nothing else is.
    expect(unresolved).toBe(one.unresolved);
    expect(one.not.filter((call) => found.calls.has(call))).toEqual([]);
  });
});
