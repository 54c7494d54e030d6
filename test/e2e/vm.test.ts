/**
 * 32-bit code where this machine's kernel has none: the tests of it run in a machine of their own
 * under Debian's stock kernel (scripts/vm). That is a second kernel for the tracer as well: with
 * SYSIEVE_SOAK=1 every fixture is recorded there.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { abis } from '../support/abis';
import { FIXTURES } from '../support/fixtures';
import { privileged, ROOT } from '../support/recorder';

const soak = process.env.SYSIEVE_SOAK === '1';
const wanted = !abis.i386 || process.env.SYSIEVE_VM === '1';
const note = wanted
  ? ''
  : ' (skipped: this machine’s own kernel runs 32-bit code; SYSIEVE_VM=1 asks for it)';
const SECONDS = soak ? 2400 : 600;

const FILES = ['unit/libseccomp', 'contract/abis', 'contract/fixtures'];
const NEEDS_32_BIT = 'architectures|i386|int80|x32';

interface Result {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages: string[];
}

/** Runs tests in the machine; those that its jest reports as passed or failed. */
function testsInMachine(): Result[] {
  const jest = [join(ROOT, 'node_modules/.bin/jest'), '--ci', '--json', '--testTimeout=120000'];
  const which = soak ? [] : ['-t', NEEDS_32_BIT];
  const files = FILES.map((file) => `test/${file}.test.ts`);
  const { stdout, stderr, status } = spawnSync(
    join(ROOT, 'scripts', 'vm'),
    ['-t', `${SECONDS}`, ...jest, ...files, ...which],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0 && status !== 1) throw new Error(`scripts/vm ended with ${status}: ${stderr}`);
  const reports: { message: string; assertionResults: Result[] }[] = JSON.parse(stdout).testResults;
  return reports.flatMap(({ message, assertionResults }) => {
    if (assertionResults.length === 0) throw new Error(message);
    return assertionResults.filter((result) => result.status !== 'pending');
  });
}

const RECORDED = [
  'fixtures under ptrace: what they say of themselves is so / NAME',
  'recordings of fixtures / NAME',
  'recordings of fixtures / by raw tracepoints, where typed ones are refused: NAME',
];

privileged('under a kernel that runs 32-bit code', () => {
  (wanted ? describe : describe.skip)(`in a machine of its own${note}`, () => {
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

    test('doctor says that it does', () => {
      expect(passed()).toEqual(expect.arrayContaining(['i386', 'x32']));
    });

    test.each(FIXTURES.filter(({ name, i386 }) => soak || i386 || name === 'x32'))(
      'recorded equals made, by both kinds of programs: $name',
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
