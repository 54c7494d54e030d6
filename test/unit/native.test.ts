/** The C++ tests, built each with its sanitizers: native/test. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

jest.setTimeout(1_800_000);

test('every C++ test holds, and none is left out', () => {
  const script = join(__dirname, '..', '..', 'scripts', 'test-native');
  const { status, stdout, stderr } = spawnSync(script, { encoding: 'utf8' });
  const failed = stdout.split('\n').filter((line) => !/^(ok|skipped) /.test(line) && line !== '');
  expect({ failed, status, stderr: status === 0 ? '' : stderr }).toEqual({
    ...{ failed: [], status: 0, stderr: '' },
  });
  const skipped = stdout.split('\n').filter((line) => line.startsWith('skipped '));
  if (skipped.length > 0) process.stderr.write(`${skipped.join('\n')}\n`);
  expect(stdout.match(/^(ok|skipped) /gm)?.length).toBeGreaterThanOrEqual(75);
});
