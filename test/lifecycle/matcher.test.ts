/** toStayWithin: commands run for real under a profile's filter, and what a failed expectation says. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from '../../src';
import { parseProfile } from '../../src';
import { toStayWithin } from '../../src/jest';
import { consumer } from '../support/package';
import { eventually, privileged, ROOT, scratch } from '../support/recorder';

/** Permits all that perl needs, with one rule on arguments, and answers clone3 as containers do. */
const PERL: Profile = parseProfile(`{
  "defaultAction": "SCMP_ACT_ALLOW",
  "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [
    { "names": ["getppid", "mkdir"], "action": "SCMP_ACT_ERRNO" },
    { "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 },
    { "names": ["socket"], "action": "SCMP_ACT_KILL_PROCESS",
      "args": [{ "index": 0, "value": 2, "op": "SCMP_CMP_EQ" }] }
  ]
}`);

const perl = (script: string) => ['perl', '-e', script];

async function failureOf(expectation: Promise<void>): Promise<string> {
  const thrown: unknown = await expectation.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Error);
  return (thrown as Error).message;
}

privileged('toStayWithin', () => {
  const space = scratch();
  afterAll(() => space.remove());

  it('holds for what the profile permits, and for what it answers ENOSYS itself', async () => {
    await expect(perl('use Socket; socket(my $a, AF_UNIX, SOCK_STREAM, 0);')).toStayWithin(PERL);
    // clone3, with a struct of arguments too small to be carried out.
    await expect(perl('my $none = ""; syscall(435, $none, 0)')).toStayWithin(PERL);
  });

  it('names each call outside: arguments, how often, by whom', async () => {
    const made = join(space.dir, 'made');
    const script = `use Socket; getppid for 1..3; mkdir '${made}';
      socket(my $a, AF_INET, SOCK_STREAM, 0); exec '/bin/sh', '-c', ':'`;
    const said = await failureOf(expect(perl(script)).toStayWithin(PERL));
    expect(said.replaceAll(space.dir, 'DIR')).toBe(
      `expect(command).toStayWithin(profile)

Command: perl -e use Socket; getppid for 1..3; mkdir 'DIR/made';\\u000a      socket(my $a, AF_INET, SOCK_STREAM, 0); exec '/bin/sh', '-c', ':'
Profile: the profile given

It made 3 calls that the profile does not permit:
  socket (domain AF_INET and type SOCK_STREAM with or without SOCK_NONBLOCK, SOCK_CLOEXEC and protocol 0), once, by /usr/bin/perl
  mkdir, once, by /usr/bin/perl
  getppid, 4 times, by /bin/sh, /usr/bin/perl`,
    );
    // Nothing is denied: the program is seen to its end.
    expect(existsSync(made)).toBe(true);
    await expect(perl(script)).not.toStayWithin(PERL);
  });

  it('says of .not that there was nothing', async () => {
    const file = join(space.dir, 'all.json');
    writeFileSync(file, '{"defaultAction": "SCMP_ACT_ALLOW"}');
    expect(await failureOf(expect(['true']).not.toStayWithin(file))).toBe(
      `expect(command).not.toStayWithin(profile)

Command: true
Profile: ${file}

It made no call that the profile does not permit.`,
    );
  });

  it('puts a server to work, and ends it', async () => {
    const [ready, asked] = [join(space.dir, 'ready'), join(space.dir, 'asked')];
    const script = `open(my $f, '>', '${ready}'); close $f;
      select(undef, undef, undef, 0.02) until -e '${asked}'; getppid; sleep 60`;
    const workload = async () => {
      await eventually('it is ready', () => existsSync(ready));
      writeFileSync(asked, '');
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    const said = await failureOf(expect(perl(script)).toStayWithin(PERL, { workload }));
    expect(said).toMatch(/does not permit:\n {2}getppid, once, by \/usr\/bin\/perl$/);
    const failing = () => {
      throw new Error('no answer');
    };
    const left = failureOf(expect(['sleep', '60']).toStayWithin(PERL, { workload: failing }));
    expect(await left).toBe('no answer');
  });

  it('judges nothing that it cannot', async () => {
    const judged = (command: string[], options = {}, profile: string | Profile = PERL) =>
      failureOf(expect(command).not.toStayWithin(profile, options));
    expect(await judged(['sh', '-c', 'echo no such port >&2; exit 3'])).toBe(
      'the command failed: status 3\nno such port\n' +
        'What it would have done is not known; with allowFailure, what it did is judged.',
    );
    await expect(['sh', '-c', 'exit 3']).toStayWithin(
      { ...PERL, syscalls: [] },
      { allowFailure: true },
    );
    expect(await judged(['sleep', '60'], { timeoutMs: 300 })).toMatch(
      /^the command did not end within 300 ms\n/,
    );
    expect(await judged(['/no/such/program'])).toMatch(/^command not found: /);
    const missing = join(space.dir, 'missing.json');
    expect(await judged(['true'], {}, missing)).toMatch(/^cannot read .*missing\.json\nENOENT\n/);
    expect(await judged('true' as never)).toMatch(/a command is expected/);
  });

  it('needs no privilege', async () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        '-e',
        `const { toStayWithin } = require('${join(ROOT, 'dist', 'jest.js')}');
         const profile = ${JSON.stringify({ ...PERL, syscalls: PERL.syscalls.slice(0, 1) })};
         toStayWithin.call({}, ['perl', '-e', 'getppid'], profile)
           .then(({ pass, message }) => console.log(process.getuid(), pass, message().split('\\n').pop()));`,
      ],
      { encoding: 'utf8', uid: 65534, gid: 65534, cwd: '/', timeout: 180_000 },
    );
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: '65534 false   getppid, once, by /usr/bin/perl\n',
    });
  });

  it('registers itself where jest is, from the package as it is installed', () => {
    const dir = join(space.dir, 'consumer');
    consumer(dir, { addon: true });
    const file = join(dir, 'profile.json');
    writeFileSync(file, '{"defaultAction": "SCMP_ACT_ALLOW"}');
    writeFileSync(join(dir, 'package.json'), '{"name": "consumer"}');
    writeFileSync(
      join(dir, 'a.test.js'),
      `require('sysieve/jest');
       test('within', () => expect(['true']).toStayWithin('profile.json'));`,
    );
    const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
    for (const injected of ['true', 'false']) {
      const globals = `const { test, expect } = require('@jest/globals');`;
      const text = injected === 'true' ? '' : globals;
      writeFileSync(
        join(dir, 'a.test.js'),
        `${text} require('sysieve/jest');
         test('within', () => expect(['true']).toStayWithin('profile.json'));`,
      );
      const { status, stderr } = spawnSync(
        process.execPath,
        [jest, '--ci', '--rootDir', dir, `--injectGlobals=${injected}`],
        { cwd: dir, encoding: 'utf8', timeout: 180_000 },
      );
      expect(stderr).toMatch(/✓ within/);
      expect(status).toBe(0);
    }
  });

  it('is there to be registered by hand', () => {
    expect(typeof toStayWithin).toBe('function');
  });
});
