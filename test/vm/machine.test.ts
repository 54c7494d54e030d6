/**
 * 32-bit code where this machine's kernel has none: the tests of it run in a machine of their own
 * under Debian's stock kernel (scripts/vm). That is a second kernel for the tracer as well: with
 * SYSIEVE_SOAK=1 every fixture is recorded there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { abis } from '../support/abis';
import { FIXTURES } from '../support/fixtures';
import { eventually, privileged, ROOT } from '../support/recorder';
import { testedTracers } from '../support/tracers';

const soak = process.env.SYSIEVE_SOAK === '1';
const wanted = !abis.i386 || process.env.SYSIEVE_VM === '1';
const note = wanted
  ? ''
  : ' (skipped: this machine’s own kernel runs 32-bit code; SYSIEVE_VM=1 asks for it)';
const SECONDS = soak ? 3600 : 900;

const FILES = ['unit/libseccomp', 'contract/abis', 'contract/fixtures'];
const NEEDS_32_BIT = 'architectures|i386|int80|x32';

interface Result {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages: string[];
}

const VM = join(ROOT, 'scripts', 'vm');
/** Added to the status of jest, which is to come through as it is. */
const MARK = 40;

/** Runs tests in the machine; those that its jest reports as passed or failed. */
function testsInMachine(): Result[] {
  const jest = 'node_modules/.bin/jest --ci --json --testTimeout=120000 "$@"';
  const which = soak ? [] : ['-t', NEEDS_32_BIT];
  const files = FILES.map((file) => `test/${file}.test.ts`);
  const { stdout, stderr, status } = spawnSync(
    VM,
    ['-t', `${SECONDS}`, 'sh', '-c', `${jest}; exit $(($? + ${MARK}))`, 'sh', ...files, ...which],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== MARK && status !== MARK + 1) {
    throw new Error(`scripts/vm ended with ${status}: ${stderr}`);
  }
  const reports: { message: string; assertionResults: Result[] }[] = JSON.parse(stdout).testResults;
  return reports.flatMap(({ message, assertionResults }) => {
    if (assertionResults.length === 0) throw new Error(message);
    return assertionResults.filter((result) => result.status !== 'pending');
  });
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children
      .split(' ')
      .filter(Boolean)
      .flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return []; // Ended while we looked.
  }
}

function isMachine(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system');
  } catch {
    return false;
  }
}

const RECORDED = [
  'fixtures under ptrace: what they say of themselves is so / NAME',
  ...testedTracers().map(({ name }) => `recordings of fixtures by ${name} / NAME`),
];

privileged('under a kernel that runs 32-bit code', () => {
  const where = wanted ? describe : describe.skip;

  where(`scripts/vm${note}`, () => {
    test('ends at its time, and when scripts/vm is told to or killed', async () => {
      const endless = ['sh', '-c', 'sleep 1000'];
      expect(spawnSync(VM, ['-t', '2', ...endless]).status).toBe(124);
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const script = spawn(VM, ['-t', '100', ...endless], { stdio: 'ignore' });
        let machine = 0;
        await eventually(
          'qemu runs',
          () => {
            machine = descendants(script.pid ?? 0).find(isMachine) ?? 0;
            return machine > 0;
          },
          60_000,
        );
        script.kill(signal);
        await eventually(`qemu ends after ${signal}`, () => !isMachine(machine), 30_000);
      }
    }, 300_000);
  });

  where(`in a machine of its own${note}`, () => {
    let results: Result[];
    beforeAll(
      () => {
        results = testsInMachine();
      },
      (SECONDS + 60) * 1000,
    );

    const passed = (): string[] =>
      results
        .filter(({ status }) => status === 'passed')
        .map(({ ancestorTitles, title }) => [...ancestorTitles, title].join(' / '));

    test('nothing fails', () => {
      expect(results.flatMap((result) => result.failureMessages)).toEqual([]);
    });

    test('its kernel carries out i386 and x32, and doctor says so', () => {
      const titles = ['i386 is carried out', 'x32 is carried out'];
      expect(passed()).toEqual(expect.arrayContaining(titles));
    });

    test.each(FIXTURES.filter(({ name, i386 }) => soak || i386 || name === 'x32'))(
      'recorded equals made, by every tracer: $name',
      ({ name }) => {
        const expected = RECORDED.map((title) => title.replace('NAME', name));
        expect(passed()).toEqual(expect.arrayContaining(expected));
      },
    );

    test.each([
      'kills a call in an ABI that is not listed, whatever the default',
      'applies a rule by the number it has in each ABI',
      'runs a 32-bit program under a profile that lists only its ABI',
    ])('a profile %s', (title) => {
      expect(passed()).toContain(`architectures / ${title}`);
    });
  });
});
