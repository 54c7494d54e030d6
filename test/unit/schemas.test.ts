/** docs/schema/: what editors are given is what `sysieve schema` prints, and fits what is committed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { parse } from 'lossless-json';
import { parseConfig } from '../../src/config';
import { parseEvidence } from '../../src/profile';
import { parseWaivers } from '../../src/review/waivers';
import { CLI, ROOT, sysieve } from '../support/recorder';

const FOLDER = path.join(ROOT, 'docs/schema');
const NAMES = ['baseline', 'config', 'evidence', 'profile', 'reach', 'recording', 'waivers'];
const read = (...names: string[]) => readFileSync(path.join(ROOT, ...names), 'utf8');
const files = (folder: string, wanted: RegExp) =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => wanted.test(name))
    .map((name) => [folder, name] as const);

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: run scripts/build first');
});

test('there is one for every format, and no other', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(NAMES.map((name) => `${name}.json`));
  const { stdout } = sysieve(['schema', '--help']);
  for (const name of NAMES) expect(stdout).toContain(`"${name}"`);
  expect(stdout.match(/choices: ([^)]*)/)?.[1]?.split(/,\s+/)).toHaveLength(NAMES.length);
});

test.each(NAMES)('%s is what the program prints', (name) => {
  // Lossless: bounds of a u64 are no numbers of JavaScript's.
  const { stdout } = sysieve(['schema', name]);
  expect(parse(read('docs/schema', `${name}.json`))).toEqual(parse(stdout));
});

const PROFILE = /^(?!.*evidence).*\.json$/;
const EVIDENCE = /\.evidence\.json$/;
test.each([
  ['config', 'sysieve.config.json', [['.', 'sysieve.config.json']]],
  ['profile', 'profiles/', files('profiles', PROFILE)],
  ['evidence', 'profiles/', files('profiles', EVIDENCE)],
  ['baseline', 'profiles/baselines/', files('profiles/baselines', /\.json$/)],
  ['recording', 'fixtures/recordings/', files('fixtures/recordings', /\.recording\.json$/)],
] as const)('%s holds for what is committed in %s', (name, _, committed) => {
  expect(committed.length).toBeGreaterThan(0);
  const validate = new Ajv({
    unknownFormats: 'ignore',
    meta: false,
    validateSchema: false,
  }).compile(JSON.parse(read('docs/schema', `${name}.json`)));
  for (const place of committed) {
    const valid = validate(JSON.parse(read(...place)));
    expect([place.join('/'), valid, validate.errors]).toEqual([place.join('/'), true, null]);
  }
  // It is no schema that takes everything.
  expect(validate({ other: 1 })).toBe(false);
});

describe('$schema', () => {
  const at = (name: string) => `./node_modules/sysieve/docs/schema/${name}.json`;

  test('is read in what people write: the config, waivers, evidence', () => {
    const config = { $schema: at('config'), apps: {} };
    expect(() => parseConfig(JSON.stringify(config), 'c.json')).not.toThrow();
    const waivers = { $schema: at('waivers'), version: 1, waivers: [] };
    expect(parseWaivers(JSON.stringify(waivers), 'w.json').waivers).toEqual([]);
    const evidence = { $schema: at('evidence'), version: 2, calls: [], justifications: {} };
    expect(parseEvidence(JSON.stringify(evidence), 'e.json').calls).toEqual([]);
  });

  test('is in the config that sysieve writes, and leads to a file of the package', () => {
    const { $schema } = JSON.parse(
      sysieve(['init', '--compose', '-', '-o', '-'], {
        input: 'services:\n  web:\n    image: web\n',
      }).stdout,
    ) as { $schema: string };
    const inPackage = /^\.\/node_modules\/sysieve\/(.*)$/.exec($schema)?.[1] ?? '';
    expect(existsSync(path.join(ROOT, inPackage))).toBe(true);
    // Of what git has, the package takes these folders.
    expect(read('scripts/stage-package.js')).toContain(`  '${inPackage.split('/')[0]}',\n`);
  });
});

test('docs/how-to/editor.md associates every format, by files that have such names', () => {
  const settings = /```json\n([\s\S]*?)```/.exec(read('docs/how-to/editor.md'))?.[1] ?? '';
  const associated = (JSON.parse(settings) as { 'json.schemas': { url: string }[] })[
    'json.schemas'
  ];
  const urls = associated.map(({ url }) => url.replace('./node_modules/sysieve/', ''));
  expect(urls.sort()).toEqual(
    NAMES.filter((name) => name !== 'baseline').map((name) => `docs/schema/${name}.json`),
  );
});
