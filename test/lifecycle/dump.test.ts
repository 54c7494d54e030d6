/** Filters read out of live processes, as Node sees it: native/test has the states in full. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpFilters } from '../../src/capture/filter';
import { SysieveError } from '../../src/errors';
import { compile } from '../../src/libseccomp';
import { parseProfile } from '../../src/profile';
import { CLI, eventually, privileged, ROOT, scratch } from '../support/recorder';

const PROFILE = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
  {"names": ["acct"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]}`;

function status(pid: number, key: string): string {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

function refusal(pid: number): SysieveError {
  try {
    dumpFilters(pid);
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

privileged('filters of live processes', () => {
  const place = scratch();
  const file = join(place.dir, 'profile.json');
  const program = compile(parseProfile(PROFILE, 'profile')).program;
  const started: ChildProcess[] = [];

  beforeAll(() => writeFileSync(file, PROFILE));

  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
    place.remove();
  });

  /** Under the profile; the launcher becomes the command, a child of this process's child. */
  async function filtered(...command: string[]): Promise<{ pid: number; child: ChildProcess }> {
    const args = [CLI, 'run', '--profile', file, '--', ...command];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    started.push(child);
    let pid = 0;
    await eventually('the command to run under its filter', () => {
      const list = `/proc/${child.pid}/task/${child.pid}/children`;
      pid = Number(readFileSync(list, 'latin1').trim().split(' ')[0]);
      const comm = pid > 0 ? readFileSync(`/proc/${pid}/comm`, 'latin1').trim() : '';
      return comm === command[0] && status(pid, 'Seccomp') === '2';
    });
    return { pid, child };
  }

  test('what was installed comes back, again and again, and the process goes on', async () => {
    const { pid, child } = await filtered('sleep', '1000');
    for (let i = 0; i < 50; i += 1) expect(dumpFilters(pid)).toEqual([program]);
    expect(status(pid, 'TracerPid')).toBe('0');
    process.kill(pid, 'SIGSTOP');
    await eventually('the stop', () => status(pid, 'State').startsWith('T'));
    expect(dumpFilters(pid)).toEqual([program]);
    await eventually('the stop to stay', () => status(pid, 'State') === 'T (stopped)');
    process.kill(pid, 'SIGCONT');
    await eventually('it to go on', () => status(pid, 'State').startsWith('S'));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(pid, 'SIGKILL');
    await ended;
    expect(refusal(pid).code).toBe('process-not-found');
  });

  /** Installs a filter of one instruction, ALLOW, says so and ends by itself with status 7. */
  const CHILD = `
import ctypes, struct, sys, time
libc = ctypes.CDLL(None)
program = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
filters = struct.pack('HxxxxxxQ', 1, ctypes.addressof(program))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filters) == 0
print('filtered', flush=True)
time.sleep(0.5)
sys.exit(7)`;

  test('Node still learns how a child of its own ended that was asked all the time', async () => {
    const child = spawn('python3', ['-c', CHILD], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    let dumps = 0;
    for (;;) {
      try {
        expect(dumpFilters(child.pid as number)).toEqual([Buffer.from('060000000000ff7f', 'hex')]);
        dumps += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: 'process-not-found' });
        break;
      }
    }
    expect(dumps).toBeGreaterThan(5);
    expect(await ended).toBe(7);
  });

  test('one that is traced already says so, and the tracer keeps it', async () => {
    const { pid } = await filtered('sleep', '1000');
    const strace = spawn('strace', ['-p', String(pid), '-o', '/dev/null'], { stdio: 'ignore' });
    started.push(strace);
    await eventually('strace to attach', () => status(pid, 'TracerPid') !== '0');
    const error = refusal(pid);
    expect([error.code, error.exitCode]).toEqual(['process-traced', 4]);
    expect(error.reason).toContain(`task ${strace.pid} traces it already`);
    expect(error.remedy).toContain('strace');
    expect(status(pid, 'TracerPid')).toBe(String(strace.pid));
  });

  test('without the privilege it is refused, before the process is disturbed', async () => {
    const { pid } = await filtered('sleep', '1000');
    const script = `
      const { dumpFilters } = require(${JSON.stringify(join(ROOT, 'dist/capture/filter.js'))});
      try { dumpFilters(${pid}); } catch (error) { console.log(error.code, error.exitCode, error.reason); }`;
    const drop = ['--inh-caps=-sys_admin', '--bounding-set=-sys_admin', '--', process.execPath];
    const out = execFileSync('setpriv', [...drop, '-e', script], { encoding: 'utf8' });
    expect(out).toMatch(/^no-privilege 4 .*EACCES \(the caller has no CAP_SYS_ADMIN\)\n$/);
    const under = spawnSync(
      process.execPath,
      [CLI, 'run', '--profile', file, '--', process.execPath, '-e', script],
      { encoding: 'utf8' },
    );
    expect(under.stdout).toMatch(
      /^no-privilege 4 .*EACCES \(the caller runs under seccomp itself\)\n$/,
    );
  });

  test('what is no process, or has no filter', () => {
    for (const pid of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN, 4_194_304]) {
      const error = refusal(pid);
      expect([error.code, error.exitCode]).toEqual(['process-not-found', 3]);
    }
    const own = refusal(process.pid);
    expect([own.code, own.exitCode]).toEqual(['process-unfiltered', 3]);
  });
});
