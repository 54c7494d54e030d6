/** docs/reference/environment.md names what the sources read from their environment, and set. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/reference/environment.md'), 'utf8');
const [, read = '', set = ''] = page.split(/^## /m);

function named(part: string): Set<string> {
  return new Set([...part.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name ?? ''));
}

/** Variables under another name in the source, and where they are told. */
const BY_NAME: Readonly<Record<string, readonly string[]>> = {
  'src/cli/hook.ts': ['SYSIEVE_BPFFS', 'SYSIEVE_RUNTIME_DIR'],
  'src/cli/init.ts': [], // the Compose file's
  'src/engines/find.ts': ['DOCKER_HOST', 'CONTAINER_HOST'],
  'src/engines/places.ts': ['CONTAINER_RUNTIME_ENDPOINT'],
};

/** Their `env` is a container's. */
const OTHERS = ['src/engines/spec.ts'];

function sources(): [file: string, text: string][] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [`src/${file}`, readFileSync(join(ROOT, 'src', file), 'utf8')]);
}

test('what is read', () => {
  const found = new Set<string>();
  for (const [file, text] of sources()) {
    if (OTHERS.includes(file)) continue;
    for (const [, name] of text.matchAll(/\benv\??\.([A-Z][A-Z0-9_]*)/g)) found.add(name ?? '');
    if (!/process\.env\[/.test(text)) continue;
    expect(Object.keys(BY_NAME)).toContain(file);
    for (const name of BY_NAME[file] ?? []) {
      expect(sources().some(([, other]) => other.includes(`'${name}'`))).toBe(true);
      found.add(name);
    }
  }
  expect([...found].sort()).toEqual([...named(read)]);
});

test('what is set, and nothing of ours is anywhere else', () => {
  const ours = new Set<string>();
  for (const [, text] of sources()) {
    for (const [name] of text.matchAll(/\bSYSIEVE_[A-Z]+(?:_[A-Z]+)*\b/g)) ours.add(name);
  }
  // One of ours in both tables would be two variables of one name.
  expect([...ours].filter((name) => named(read).has(name) && named(set).has(name))).toEqual([]);
  const both = new Set([...named(read), ...named(set)]);
  expect([...ours].sort()).toEqual([...both].filter((name) => name.startsWith('SYSIEVE_')).sort());
});
