/** The reader of ordinary profiles gives what the schemas give, or leaves the document to them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readJson } from '../../src/json';
import { defaultVersions, gatedDefault } from '../../src/profile';
import { GatedProfileSchema } from '../../src/profile/gated-schema';
import { ordinaryGatedProfile, ordinaryProfile } from '../../src/profile/ordinary';
import { ProfileSchema } from '../../src/profile/schema';
import { gatedSample } from '../support/gated-sample';
import { mutated } from '../support/mutate';
import { SAMPLES } from '../support/policies';

/** Equal, and with their keys in the same order: some texts are made of them. */
function same(made: unknown, wanted: unknown): void {
  expect(made).toEqual(wanted);
  expect(shown(made)).toBe(shown(wanted));
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `${item}n` : item));
}

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 1_000_000 : 20_000;

/** As in a file. */
function written(value: unknown): string {
  return JSON.stringify(value, (key, item) => {
    if (key === 'minKernel' && Array.isArray(item)) return item.join('.');
    // Exactness is readJson's matter: here the value only has to be one that a file can hold.
    return typeof item === 'bigint' ? Number(BigInt.asUintN(53, item)) : item;
  });
}

const READERS = [
  ['OCI', ordinaryProfile, ProfileSchema],
  ['gated', ordinaryGatedProfile, GatedProfileSchema],
] as const;

const FILES = ['profiles', 'profiles/baselines', 'fixtures/profiles']
  .flatMap((folder) => {
    const path = join(__dirname, '../..', folder);
    try {
      return readdirSync(path).map((name) => join(path, name));
    } catch {
      return [];
    }
  })
  .filter((path) => path.endsWith('.json') && !path.endsWith('.evidence.json'))
  .map((path) => readFileSync(path, 'utf8'))
  .filter((text) => ProfileSchema.safeParse(readJson(text)).success);

const DEFAULTS = defaultVersions().map(({ engine, last }) =>
  written(gatedDefault(engine, last).profile),
);

test('every default and every committed profile is ordinary, and read as the schemas read it', () => {
  expect(DEFAULTS.length).toBeGreaterThan(5);
  expect(FILES.length).toBeGreaterThan(1);
  for (const text of DEFAULTS) {
    same(ordinaryGatedProfile(readJson(text)), GatedProfileSchema.parse(readJson(text)));
  }
  for (const text of FILES) {
    same(ordinaryProfile(readJson(text)), ProfileSchema.parse(readJson(text)));
  }
});

test('random profiles are ordinary, u64 beyond what a number holds among them', () => {
  fc.assert(
    fc.property(SAMPLES, ({ profile }) => {
      const plain = JSON.parse(JSON.stringify(profile, (_k, v) => (typeof v === 'bigint' ? 0 : v)));
      const document = {
        ...plain,
        syscalls: profile.syscalls.map((rule, at) => ({ ...plain.syscalls[at], args: rule.args })),
      };
      same(ordinaryProfile(document), ProfileSchema.parse(document));
      same(ordinaryGatedProfile(document), GatedProfileSchema.parse(document));
    }),
    { numRuns: 2000 },
  );
});

const SOME = [
  ...fc.sample(SAMPLES, { numRuns: 20, seed: 1 }).map(({ profile }) => written(profile)),
  written(gatedSample()),
  written({
    defaultAction: 'SCMP_ACT_ALLOW',
    flags: [],
    listenerPath: '/run/x',
    listenerMetadata: 'm',
    syscalls: [{ name: 'read', action: 'SCMP_ACT_ERRNO', errno: '', excludes: { minKernel: '' } }],
  }),
];

test.each(READERS)(
  '%s: never what the schema refuses, never something else',
  (_n, read, schema) => {
    let fast = 0;
    fc.assert(
      fc.property(mutated(SOME), ({ text }) => {
        let document: unknown;
        try {
          document = readJson(text);
        } catch {
          return;
        }
        const made = read(document);
        if (made === null) return;
        fast += 1;
        same(made, schema.parse(document));
      }),
      { numRuns: RUNS },
    );
    expect(fast).toBeGreaterThan(RUNS / 50);
  },
);
