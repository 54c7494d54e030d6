/** The versions of our formats: every one that ever was is read, newer ones are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseSession, SESSION_VERSIONS } from '../../src/capture/session-store';
import { parseConfig } from '../../src/config';
import { CONFIG_VERSIONS } from '../../src/config/schema';
import { SysieveError } from '../../src/errors';
import { checkDocument, readDocument, upToDate, type Versions } from '../../src/json';
import { parseBaseline } from '../../src/minimise';
import { BASELINE_VERSIONS } from '../../src/minimise/baseline';
import { parseEvidence, serializeEvidence } from '../../src/profile';
import { EVIDENCE_VERSIONS } from '../../src/profile/evidence-values';
import { parseReach, serializeReach } from '../../src/reach';
import { REACH_VERSIONS } from '../../src/reach/document';
import { parseRecording, serializeRecording } from '../../src/recording';
import { RECORDING_VERSIONS } from '../../src/recording/schema';
import { parseWaivers, WAIVERS_VERSIONS } from '../../src/review/waivers';

const STORE = join(__dirname, '../../fixtures/versions');
const golden = (name: string): string => readFileSync(join(STORE, name), 'utf8');

interface Format {
  versions: Versions;
  parse: (text: string, source: string) => unknown;
  /** For those that we write. */
  write?: (document: never) => string;
}

const FORMATS: Readonly<Record<string, Format>> = {
  recording: { versions: RECORDING_VERSIONS, parse: parseRecording, write: serializeRecording },
  evidence: { versions: EVIDENCE_VERSIONS, parse: parseEvidence, write: serializeEvidence },
  baseline: { versions: BASELINE_VERSIONS, parse: parseBaseline },
  reach: { versions: REACH_VERSIONS, parse: parseReach, write: serializeReach },
  waivers: { versions: WAIVERS_VERSIONS, parse: parseWaivers },
  config: { versions: CONFIG_VERSIONS, parse: parseConfig },
  session: {
    versions: SESSION_VERSIONS,
    parse: (text) => {
      const { session, unreadable } = parseSession(text, 'web');
      if (session === null) throw new Error(unreadable ?? 'nothing');
      return session;
    },
  },
};

const range = (end: number): number[] => Array.from({ length: end }, (_, index) => index + 1);

test('a document of every version of every format is kept', () => {
  const wanted = Object.entries(FORMATS).flatMap(([name, { versions }]) =>
    range(versions.current).map((version) => `${name}-${version}.json`),
  );
  const kept = readdirSync(STORE).filter((name) => name !== 'README.md');
  expect(kept.sort()).toEqual(wanted.sort());
});

test('docs/UPGRADING.md has the current ones', () => {
  const page = readFileSync(join(__dirname, '../../docs/UPGRADING.md'), 'utf8');
  const told = [...page.matchAll(/^\| (\w+)(?: \([^)]*\))? \| (\d+)(?:;.*)? \|$/gm)];
  const wanted = Object.entries(FORMATS).map(([name, { versions }]) => [name, versions.current]);
  expect(told.map(([, name, version]) => [name, Number(version)])).toEqual(wanted);
});

describe.each(Object.entries(FORMATS))('%s', (name, { versions, parse, write }) => {
  test('has a migration from each earlier version, and no other', () => {
    const from = Object.keys(versions.migrations).map(Number);
    expect(from).toEqual(range(versions.current - 1));
  });

  test.each(range(versions.current))('version %i is read', (version) => {
    const text = golden(`${name}-${version}.json`);
    const { version: said = versions.unmarked } = JSON.parse(text);
    expect(said).toBe(version);
    const document = parse(text, name);
    if (version === versions.current) expect(document).toEqual(JSON.parse(text));
    if (write === undefined) return;
    // What is written is of the current version, whatever was read.
    const rewritten = write(document as never);
    expect(JSON.parse(rewritten).version).toBe(versions.current);
    expect(write(parse(rewritten, name) as never)).toBe(rewritten);
    if (version === versions.current) expect(rewritten).toBe(text);
  });

  test('a newer one is refused', () => {
    const text = golden(`${name}-${versions.current}.json`);
    const newer = JSON.stringify({ ...JSON.parse(text), version: versions.current + 1, more: 1 });
    expect(() => parse(newer, name)).toThrow(/made by a newer sysieve/);
  });

  test.each(['"1"', 'null', '0', '-1', '1.5', '[]', '99999999999999999999999'])(
    'no version is %s',
    (odd) => {
      const document = JSON.parse(golden(`${name}-${versions.current}.json`));
      const text = JSON.stringify({ ...document, version: 'VERSION' }).replace('"VERSION"', odd);
      expect(() => parse(text, name)).toThrow(/version/);
    },
  );
});

test('evidence of version 1 is evidence that left nothing out', () => {
  const old = JSON.parse(golden('evidence-1.json'));
  expect(parseEvidence(golden('evidence-1.json'), 'e')).toEqual({
    ...old,
    version: 3,
    excluded: [],
  });
});

describe('a format of three versions', () => {
  // 1: {name}; 2: names; 3: people, who have an age, too.
  const versions: Versions = {
    current: 3,
    unmarked: 1,
    migrations: {
      1: ({ name, ...rest }) => ({ ...rest, names: [name] }),
      2: ({ names, ...rest }) => ({
        ...rest,
        people: Array.isArray(names) ? names.map((name) => ({ name, age: null })) : names,
      }),
    },
  };
  const Person = z.strictObject({ name: z.string(), age: z.number().nullable() });
  const Schema = z.strictObject({ version: z.literal(3), people: z.array(Person) });
  const read = (text: string) =>
    checkDocument(Schema, upToDate(readDocument('people', text, 'p.json'), versions, ', or count'));
  const failure = (text: string): SysieveError => {
    try {
      read(text);
    } catch (thrown) {
      if (thrown instanceof SysieveError) return thrown;
      throw thrown;
    }
    throw new Error('it was taken');
  };

  test.each([
    '{"name": "a"}',
    '{"version": 1, "name": "a"}',
    '{"version": 2, "names": ["a"]}',
    '{"version": 3, "people": [{"name": "a", "age": null}]}',
  ])('%s', (text) => {
    expect(read(text)).toEqual({ version: 3, people: [{ name: 'a', age: null }] });
  });

  test('what an old document has wrong is told by the current schema, with its place', () => {
    expect(failure('{"version": 2,\n "names": 7}').message).toBe(
      'p.json:1:1: not a people: people: expected array, which is missing',
    );
    expect(failure('{"version": 2, "names": ["a"],\n "extra": 1}').message).toMatch(
      /^p\.json:2:2: not a people: extra: no such key/,
    );
  });

  test('a newer one names its place, what is read, and what to do', () => {
    const error = failure('{"people": [],\n "version": 4}');
    expect(error.toJSON().error).toEqual({
      code: 'people-version',
      message:
        'p.json:2:13: people of version 4, made by a newer sysieve: this one knows versions up to 3',
      cause: null,
      remedy: 'Update sysieve, or count.',
    });
    expect(error.kind).toBe('input');
  });

  test('a version without a way on is a defect, not a guess', () => {
    const gap: Versions = { current: 3, migrations: { 1: (document) => document } };
    expect(() => upToDate(readDocument('people', '{"version": 1}', 'p'), gap)).toThrow(
      'no migration from version 2',
    );
  });
});
