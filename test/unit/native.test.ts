/** The C++ tests, built each with its sanitizers: native/test. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

jest.setTimeout(1_800_000);

test('every C++ test holds, and none is left out', () => {
  const script = join(ROOT, 'scripts', 'test-native');
  const { status, stdout, stderr } = spawnSync(script, { encoding: 'utf8' });
  const failed = stdout.split('\n').filter((line) => !/^(ok|skipped) /.test(line) && line !== '');
  expect({ failed, status, stderr: status === 0 ? '' : stderr }).toEqual({
    ...{ failed: [], status: 0, stderr: '' },
  });
  const skipped = stdout.split('\n').filter((line) => line.startsWith('skipped '));
  if (skipped.length > 0) process.stderr.write(`${skipped.join('\n')}\n`);
  // A program that ended early with status 0 would have left some out.
  const listed = spawnSync('make', ['-s', '-f', 'native/test/Makefile', 'list'], {
    encoding: 'utf8',
    cwd: ROOT,
  });
  const written = listed.stdout
    .trim()
    .split('\n')
    .flatMap((name) => sourcesOf(basename(name)))
    .flatMap((source) => readFileSync(source, 'utf8').match(/^TEST\(/gm) ?? []);
  expect(written.length).toBeGreaterThanOrEqual(75);
  expect(stdout.match(/^(ok|skipped) /gm)?.length).toBe(written.length);
});

/** Those of native/test that the Makefile makes a program of. */
function sourcesOf(program: string): string[] {
  const folder = join(ROOT, 'native', 'test');
  const makefile = readFileSync(join(folder, 'Makefile'), 'utf8').replaceAll('\\\n', ' ');
  const [, parts = ''] = new RegExp(`^${program} := (.*)$`, 'm').exec(makefile) ?? [];
  const names = parts.split(/\s+/).filter((part) => part.startsWith('test/'));
  return names.map((name) => join(ROOT, 'native', `${name}.cc`));
}
