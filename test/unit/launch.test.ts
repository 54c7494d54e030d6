/** The native launcher and its protocol, against real processes. Needs strace, not root. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformFileSync } from '@swc/core';
import { type Launched, shellStatus, startStopped } from '../../src/capture/launch';
import { SysieveError } from '../../src/errors/index';
import { compile } from '../../src/libseccomp/index';
import { ProfileSchema } from '../../src/profile/schema';

const ROOT = resolve(__dirname, '..', '..');
const LAUNCHER = join(ROOT, 'build', 'Release', 'sysieve-launch');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sysieve-launch-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const allowAll = (): Buffer =>
  compile(ProfileSchema.parse({ defaultAction: 'SCMP_ACT_ALLOW' })).program;

const file = (name: string): string => join(dir, name);

function script(path: string, text: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

async function finish(launched: Launched) {
  launched.go();
  return launched.exited;
}

async function failureOf(promise: Promise<unknown>): Promise<SysieveError> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof SysieveError)) throw error;
  return error;
}

const running = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited 10 s in vain');
    await new Promise((done) => setTimeout(done, 10));
  }
}

describe('a stopped start', () => {
  it('runs nothing of the command before go, under the pid it will have', async () => {
    const launched = await startStopped(['sh', '-c', `echo $$ > ${file('pid')}`]);
    await new Promise((done) => setTimeout(done, 200));
    expect(existsSync(file('pid'))).toBe(false);
    expect(readlinkSync(`/proc/${launched.pid}/exe`)).toBe(LAUNCHER);
    expect(await finish(launched)).toEqual({ code: 0, signal: null });
    expect(readFileSync(file('pid'), 'utf8').trim()).toBe(String(launched.pid));
    expect(launched.failure()).toBeNull();
  });

  it('passes on arguments, environment and working directory unchanged', async () => {
    const command = [
      'sh',
      '-c',
      `printf '%s|' "$@" "$MARK" "$PWD" > ${file('out')}`,
      'x',
      'a b',
      '',
    ];
    const env = { PATH: process.env.PATH, MARK: 'ü\n' };
    expect(await finish(await startStopped(command, { env, cwd: dir }))).toEqual({
      code: 0,
      signal: null,
    });
    expect(readFileSync(file('out'), 'utf8')).toBe(`a b||ü\n|${dir}|`);
  });

  it('hands the command no descriptor, no signal mask and no ignored signal', async () => {
    const commands = `ls /proc/self/fd > ${file('fds')}; grep Sig /proc/self/status > ${file('sig')}`;
    // Whatever this process itself inherited and passes on is in the reference, too.
    execFileSync('sh', ['-c', commands], { stdio: 'inherit' });
    const reference = readFileSync(file('fds'), 'utf8');
    await finish(await startStopped(['sh', '-c', commands]));
    expect(readFileSync(file('fds'), 'utf8')).toBe(reference);
    const signals = readFileSync(file('sig'), 'utf8');
    expect(signals).toMatch(/^SigBlk:\t0+$/m);
    expect(signals).toMatch(/^SigIgn:\t0+$/m);
  });

  it('reports exit codes and signals', async () => {
    const exit = await finish(await startStopped(['sh', '-c', 'exit 42']));
    expect(exit).toEqual({ code: 42, signal: null });
    expect(shellStatus(exit)).toBe(42);
    const killed = await finish(await startStopped(['sh', '-c', 'kill -TERM $$']));
    expect(killed).toEqual({ code: null, signal: 'SIGTERM' });
    expect(shellStatus(killed)).toBe(143);
  });
});

describe('finding the program', () => {
  it('searches PATH past what cannot be run', async () => {
    script(file('one/tool'), '#!/bin/sh\nexit 1\n', 0o644);
    mkdirSync(file('two/tool'), { recursive: true });
    script(file('three/tool'), '#!/bin/sh\nexit 3\n');
    const PATH = [file('none'), file('one'), file('two'), file('three')].join(':');
    const status = await finish(await startStopped(['tool'], { env: { PATH } }));
    expect(status.code).toBe(3);
  });

  it('takes an empty PATH element for the working directory', async () => {
    script(file('tool'), '#!/bin/sh\nexit 4\n');
    const options = { env: { PATH: `${file('none')}:` }, cwd: dir };
    expect((await finish(await startStopped(['tool'], options))).code).toBe(4);
  });

  it('searches the standard directories without PATH', async () => {
    expect((await finish(await startStopped(['true'], { env: {} }))).code).toBe(0);
  });

  it.each([
    ['a name in no directory', 'sysieve-no-such-tool', 'command-not-found'],
    ['a path that is not there', '/nonexistent/tool', 'command-not-found'],
    ['an empty name', '', 'command-not-found'],
    ['a directory', '/etc', 'command-not-executable'],
    ['a file without execute permission', '/etc/passwd', 'command-not-executable'],
  ])('refuses %s before the start', async (_what, program, code) => {
    const error = await failureOf(startStopped([program]));
    expect([error.kind, error.code]).toEqual(['usage', code]);
    expect(error.remedy).toBeTruthy();
  });

  it('refuses a working directory that is not there', async () => {
    const error = await failureOf(startStopped(['true'], { cwd: file('none') }));
    expect(error.code).toBe('cwd-missing');
  });
});

describe('a start that fails after the filter', () => {
  const only = (defaultAction: 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL_PROCESS', ...names: string[]) =>
    compile(
      ProfileSchema.parse({ defaultAction, syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }),
      // Killed, not told ENOSYS.
      { enosys: false },
    ).program;

  // write and every way to exit are refused, so only the shared memory can carry the reason.
  it.each([
    ['refused by ERRNO', 'SCMP_ACT_ERRNO', 'SIGILL'],
    ['killed', 'SCMP_ACT_KILL_PROCESS', 'SIGSYS'],
  ] as const)('tells why, though everything else is %s', async (_what, action, signal) => {
    const path = script(file('script'), '#!/nonexistent/interpreter\n');
    const launched = await startStopped([path], { filter: only(action, 'execve') });
    expect(await finish(launched)).toEqual({ code: null, signal });
    expect(launched.failure()).toEqual({ operation: 'execve', errno: 'ENOENT' });
  });

  it.each([
    ['a script without an interpreter line', 'exit 0\n', 'ENOEXEC', 126],
    ['a script whose interpreter is missing', '#!/nonexistent/interpreter\n', 'ENOENT', 127],
  ])('exits as a shell would for %s', async (_what, text, errno, code) => {
    const launched = await startStopped([script(file('script'), text)]);
    expect(await finish(launched)).toEqual({ code, signal: null });
    expect(launched.failure()).toEqual({ operation: 'execve', errno });
  });

  it('tells that the filter itself denies execve', async () => {
    const filter = only('SCMP_ACT_ERRNO', 'exit_group');
    const launched = await startStopped(['true'], { filter });
    expect(await finish(launched)).toEqual({ code: 126, signal: null });
    expect(launched.failure()).toEqual({ operation: 'execve', errno: 'EPERM' });
  });

  it('tells that the kernel refused the filter', async () => {
    // A program that does not end in a return.
    const launched = await startStopped(['true'], { filter: Buffer.alloc(8) });
    expect(await finish(launched)).toEqual({ code: 126, signal: null });
    expect(launched.failure()).toEqual({ operation: 'seccomp', errno: 'EINVAL' });
  });
});

describe('what the launcher does', () => {
  it('sets no_new_privs with a filter only', async () => {
    const command = ['sh', '-c', `grep NoNewPrivs /proc/self/status > ${file('nnp')}`];
    const filter = allowAll();
    await finish(await startStopped(command, { filter }));
    expect(readFileSync(file('nnp'), 'utf8')).toBe('NoNewPrivs:\t1\n');
    await finish(await startStopped(command));
    expect(readFileSync(file('nnp'), 'utf8')).toBe('NoNewPrivs:\t0\n');
  });

  it('makes no call but execve once the filter is in place', async () => {
    const filter = allowAll();
    const launched = await startStopped(['true'], { filter });
    const strace = spawn('strace', ['-o', file('trace'), '-p', String(launched.pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await attached(strace);
    const traced = new Promise((done) => strace.once('exit', done));
    await finish(launched);
    await traced;
    const names = readFileSync(file('trace'), 'utf8').match(/^\w+(?=\()/gm) ?? [];
    expect(names.slice(0, 4)).toEqual(['read', 'prctl', 'seccomp', 'execve']);
  });
});

function attached(strace: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    let text = '';
    strace.once('exit', () => fail(new Error(text)));
    strace.stderr?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('attached')) done();
    });
  });
}

describe('without go', () => {
  it('abort leaves nothing behind and starts nothing', async () => {
    const launched = await startStopped(['touch', file('started')]);
    await launched.abort();
    expect(running(launched.pid)).toBe(false);
    expect(existsSync(file('started'))).toBe(false);
    expect(() => launched.go()).toThrow('aborted');
  });

  it.each([
    ['end of file', 'control.end()'],
    ['a recorder that is killed', "process.kill(process.pid, 'SIGKILL')"],
    ['a recorder that exits', 'process.exit(0)'],
  ])('%s ends the launcher quietly', async (_what, end) => {
    const pid = await abandoned(`
      const { spawn } = require('node:child_process');
      const header = Buffer.alloc(20);
      header.writeUInt32LE(0x53564c43, 0);
      header.writeUInt32LE(1, 4);
      const child = spawn(${JSON.stringify(LAUNCHER)}, ['touch', ${JSON.stringify(file('started'))}],
        { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
      const control = child.stdio[3];
      control.write(header);
      control.once('data', () => process.stdout.write(String(child.pid), () => { ${end}; }));
    `);
    await until(() => !running(pid));
    expect(existsSync(file('started'))).toBe(false);
  });

  it('a killed process that used startStopped leaves no launcher', async () => {
    for (const module of ['errors/index', 'errors/text', 'install/index', 'capture/launch']) {
      const { code } = transformFileSync(join(ROOT, 'src', `${module}.ts`), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
      });
      script(file(`dist/${module}.js`), code);
    }
    symlinkSync(join(ROOT, 'build'), file('build'));
    const pid = await abandoned(`
      const { startStopped } = require(${JSON.stringify(file('dist/capture/launch.js'))});
      startStopped(['touch', ${JSON.stringify(file('started'))}]).then(({ pid }) => {
        process.stdout.write(String(pid), () => process.kill(process.pid, 'SIGKILL'));
      });
    `);
    await until(() => !running(pid));
    expect(existsSync(file('started'))).toBe(false);
  });
});

/** Runs a program that prints a launcher's pid; stderr must stay empty. */
function abandoned(text: string): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.once('close', () => {
      const pid = Number(out);
      if (err === '' && pid > 0) done(pid);
      else fail(new Error(`no launcher was started: ${out} ${err}`));
    });
  });
}

it('refuses to be started by hand', () => {
  const run = () => execFileSync(LAUNCHER, ['true'], { stdio: 'pipe' });
  expect(run).toThrow('started by sysieve');
});
