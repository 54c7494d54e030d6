/** What sysieve says of this kernel's ABIs, against programs that use them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { abis } from '../support/abis';
import { buildFixtures } from '../support/fixtures';
import { ROOT, sysieve } from '../support/recorder';

let detail: string;
beforeAll(() => {
  buildFixtures();
  const { findings } = JSON.parse(sysieve(['doctor', '--json']).stdout);
  detail = findings.find(({ name }: { name: string }) => name === 'abis').detail;
});

// The names tell which of the two was seen: test/vm/machine.test.ts asks for one of them.
test(`i386 is ${abis.i386 ? '' : 'not '}carried out`, () => {
  const { status, signal } = spawnSync(join(ROOT, 'build', 'fixtures', 'int80'));
  expect([status, signal]).toEqual(abis.i386 ? [0, null] : [null, 'SIGSEGV']);
  expect(detail).toMatch(
    abis.i386 ? /^x86_64, i386(, x32)?$/ : /^x86_64(, x32)?; this kernel runs no 32-bit code: /,
  );
});

test(`x32 is ${abis.x32 ? '' : 'not '}carried out`, () => {
  // Its own getpid, by number: ENOSYS is 38, and perl comes with every Debian.
  const script = 'exit(syscall(0x40000000 + 39) > 0 ? 0 : $! + 0)';
  const { status } = spawnSync('perl', ['-e', script]);
  expect(status).toBe(abis.x32 ? 0 : 38);
  expect(/\bx32\b/.test(detail)).toBe(abis.x32);
});
