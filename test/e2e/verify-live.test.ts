/** `sysieve verify` in real runs: commands, an image, a container; and its repair. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Recorder } from '../support/engine-sysieve';
import {
  type CliResult,
  runCommand,
  startDocker,
  type TestEngine,
  until,
} from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { CLI, privileged, scratch } from '../support/recorder';

interface Denied {
  name: string;
  count: number;
  errnos: Record<string, number>;
  executables: string[];
  fallback: boolean;
}

function deniedIn({ stdout }: CliResult): Denied[] {
  return (JSON.parse(stdout) as { denied: Denied[] }).denied.filter(({ fallback }) => !fallback);
}

privileged('verify in real runs', () => {
  const { dir, remove } = scratch();
  const at = (name: string) => path.join(dir, name);
  const sysieve = (args: string[], env = process.env) =>
    runCommand('timeout', ['50', process.execPath, CLI, ...args], env);
  const made = async (name: string, recording: string) => {
    const { code, stderr } = await sysieve(['minimise', at(recording), '-o', at(name)]);
    if (code !== 0) throw new Error(stderr);
  };

  afterAll(() => remove());

  describe('a command', () => {
    beforeAll(async () => {
      await sysieve(['record', '-o', at('true.rec.json'), '--', '/bin/sh', '-c', 'exec /bin/true']);
      await made('true.json', 'true.rec.json');
    });

    // Each round repeats what the last one did not undo.
    const two = () => [
      '/bin/sh',
      '-c',
      `[ -d ${at('d')} ] || /bin/mkdir ${at('d')} && /bin/rmdir ${at('d')}`,
    ];

    test('nothing denied: 0, and said so', async () => {
      const run = ['--', '/bin/sh', '-c', 'exec /bin/true'];
      const { code, stderr } = await sysieve(['verify', at('true.json'), ...run]);
      expect(stderr).toMatch(/no call was denied\n$/);
      expect(code).toBe(0);
    });

    test('each denied call with executable, answer and count: 1', async () => {
      const done = await sysieve(['verify', at('true.json'), '--json', '--', ...two()]);
      expect(deniedIn(done)).toMatchObject([
        { name: 'vfork', count: 1, errnos: { 1: 1 }, executables: ['/bin/sh'] },
      ]);
      expect(JSON.parse(done.stdout)).toMatchObject({ version: 1, verdict: 'denied' });
      expect(done.code).toBe(1);
      const table = await sysieve(['verify', at('true.json'), '--', ...two()]);
      expect(table.stdout).toMatch(
        /^CALL {3}TIMES {2}ANSWER {2}BY.*\nvfork {2}1 {6}EPERM {3}\/bin\/sh\n$/,
      );
    });

    test('repair: round after round until nothing is denied, and nothing but that is added', async () => {
      copyFileSync(at('true.json'), at('fix.json'));
      const evidence = JSON.parse(readFileSync(at('true.evidence.json'), 'utf8'));
      evidence.justifications = { setns: 'kept' };
      writeFileSync(at('fix.evidence.json'), JSON.stringify(evidence));
      const before = readFileSync(at('fix.json'), 'utf8');
      const repair = ['verify', at('fix.json'), '--repair', '--recording', at('true.rec.json')];

      const dry = await sysieve([...repair, '--dry-run', '--', ...two()]);
      expect(dry.stderr).toContain('not written (--dry-run); no call was denied in the last');
      expect(dry.stdout).toMatch(/mkdir may pass[\s\S]*rmdir may pass[\s\S]*vfork may pass/);
      expect(dry.code).toBe(0);
      expect(readFileSync(at('fix.json'), 'utf8')).toBe(before);

      const { code, stdout } = await sysieve([...repair, '--json', '--', ...two()]);
      expect(code).toBe(0);
      const told = JSON.parse(stdout);
      expect(told).toMatchObject({
        verdict: 'none-denied',
        repair: { written: true, leftOut: [] },
      });
      expect(told.repair.rounds).toBeGreaterThan(2);
      expect(told.repair.added).toEqual(expect.arrayContaining(['mkdir', 'rmdir', 'vfork']));
      expect(told.repair.diff.verdict).toBe('widens');
      const widened = told.repair.diff.findings.map((f: { call: string }) => f.call);
      expect([...new Set(widened)].sort()).toEqual(told.repair.added);
      const after = JSON.parse(readFileSync(at('fix.evidence.json'), 'utf8'));
      expect(after.justifications).toEqual({ setns: 'kept' });
      const mkdir = after.calls.find((call: { name: string }) => call.name === 'mkdir');
      expect(mkdir).toMatchObject({ why: ['observed'], executables: ['/bin/mkdir'] });
      expect((await sysieve(['verify', at('fix.json'), '--', ...two()])).code).toBe(0);
      // What it was made of still passes.
      const old = ['--', '/bin/sh', '-c', 'exec /bin/true'];
      expect((await sysieve(['verify', at('fix.json'), ...old])).code).toBe(0);
    });

    test('repair stops at the rounds it may have, and tells what is left', async () => {
      copyFileSync(at('true.json'), at('few.json'));
      const args = ['verify', at('few.json'), '--repair', '--max-rounds', '1', '--json'];
      const { code, stdout } = await sysieve([...args, '--', ...two()]);
      expect(code).toBe(1);
      expect(JSON.parse(stdout).repair).toMatchObject({ rounds: 1, added: ['vfork'] });
    });

    test('repair: risk tier 2 enters by name alone', async () => {
      copyFileSync(at('true.json'), at('risk.json'));
      const before = readFileSync(at('risk.json'), 'utf8');
      const command = ['--', '/usr/bin/unshare', '--ipc', '/bin/true'];
      const repair = ['verify', at('risk.json'), '--repair'];
      const refused = await sysieve([...repair, ...command]);
      expect(refused.stderr).toContain('left out: unshare, risk tier 2');
      expect(refused.code).toBe(1);
      expect(readFileSync(at('risk.json'), 'utf8')).not.toContain('"unshare"');
      writeFileSync(at('risk.json'), before);
      const allowed = await sysieve([...repair, '--allow', 'unshare', ...command]);
      expect(allowed.code).toBe(0);
      expect(readFileSync(at('risk.json'), 'utf8')).toContain('"unshare"');
    });

    test('what cannot be told is refused', async () => {
      const verify = (...args: string[]) => sysieve(['verify', at('true.json'), ...args]);
      for (const tracer of ['ptrace', 'notify']) {
        const { code, stderr } = await verify('--tracer', tracer, '--', '/bin/true');
        expect(stderr).toContain(`--tracer ${tracer} cannot tell denied calls`);
        expect(code).toBe(2);
      }
      expect((await verify()).code).toBe(2);
      expect((await verify('--repair', '--recording', at('true.rec.json'))).code).toBe(2);
      expect((await verify('--', '/no/such/program')).code).toBe(2);
      const logging = JSON.parse(readFileSync(at('true.json'), 'utf8'));
      logging.defaultAction = 'SCMP_ACT_LOG';
      delete logging.defaultErrnoRet;
      writeFileSync(at('log.json'), JSON.stringify(logging));
      const { code, stderr } = await sysieve(['verify', at('log.json'), '--', '/bin/true']);
      expect(stderr).toContain('SCMP_ACT_LOG');
      expect(code).toBe(3);
    });
  });

  describe('docker', () => {
    let docker: TestEngine;
    const verify = (...args: string[]) =>
      sysieve(['verify', ...args, '--engine', 'docker'], docker.env);

    beforeAll(async () => {
      docker = await startDocker(mkdtempSync(path.join(tmpdir(), 'sysieve-engines-')));
      await importImages(docker, ['busybox']);
      const create = ['create', '--network=none', '--name'];
      await docker.cli(...create, 'like', imageRef('busybox'), '/bin/sleep', '1');
      const recorder = await Recorder.start(docker, 'like', at('sleep.rec.json'));
      await docker.cli('start', '-a', 'like');
      await recorder.stop();
      await made('sleep.json', 'sleep.rec.json');
    });

    afterAll(async () => {
      await docker?.stop();
    });

    test('an image: recorded from its first instruction, repaired, removed', async () => {
      const image = ['--image', imageRef('busybox'), '--like', 'like'];
      const clean = await verify(at('sleep.json'), ...image);
      expect(clean.stderr).toMatch(/the container exited with 0\nno call was denied\n$/);
      expect(clean.code).toBe(0);

      const mkdir = ['--', '/bin/busybox', 'mkdir', '/made'];
      const args = ['--engine', 'docker', '--json', ...mkdir];
      const denied = await sysieve(['verify', at('sleep.json'), ...image, ...args], docker.env);
      expect(deniedIn(denied)).toMatchObject([{ name: 'mkdir', executables: ['/bin/busybox'] }]);
      expect(denied.code).toBe(1);

      copyFileSync(at('sleep.json'), at('mkdir.json'));
      copyFileSync(at('sleep.evidence.json'), at('mkdir.evidence.json'));
      const repair = ['verify', at('mkdir.json'), '--repair', ...image, ...args];
      const repaired = await sysieve(repair, docker.env);
      expect(repaired.code).toBe(0);
      expect(JSON.parse(repaired.stdout).repair.added).toContain('mkdir');
      expect(await docker.cli('ps', '-a', '--format', '{{.Names}}')).toBe('like');
    });

    test('a container: its filter is held against the profile, and what it is denied is named', async () => {
      const run = async (name: string, profile: string) => {
        const option = ['--security-opt', `seccomp=${at(profile)}`];
        const rest = ['--network=none', '--name', name, imageRef('busybox'), '/bin/sleep', '15'];
        await docker.cli('run', '-d', ...option, ...rest);
      };
      await run('same', 'sleep.json');
      const args = ['verify', at('sleep.json'), '--container', 'same', '--engine', 'docker'];
      const child = spawn(process.execPath, [CLI, ...args, '--json'], {
        env: docker.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
      await until('verify to watch', 15_000, () => stderr.includes('watching for denied calls'));
      await docker.tryCli('exec', 'same', '/bin/busybox', 'mkdir', '/made');
      const other = await verify(at('mkdir.json'), '--container', 'same');
      expect(other.stderr).toContain('the container does not run under this profile');
      expect(other.stderr).toContain('mkdir');
      expect(other.code).toBe(1);
      // The container's end ends it.
      expect(await closed).toBe(1);
      expect(deniedIn({ code: 1, stdout, stderr })).toMatchObject([
        { name: 'mkdir', executables: ['/bin/busybox'], count: 1 },
      ]);
      expect(JSON.parse(stdout).ended).toBe('the container ended');
    });

    test('a container that ends before its filter was read: no "nothing was denied", and --image is named', async () => {
      const option = ['--security-opt', `seccomp=${at('sleep.json')}`, '--network=none'];
      await docker.cli(
        'create',
        ...option,
        '--name',
        'quick',
        imageRef('busybox'),
        '/bin/sleep',
        '0',
      );
      const args = ['verify', at('sleep.json'), '--container', 'quick', '--engine', 'docker'];
      const child = spawn(process.execPath, [CLI, ...args], {
        env: docker.env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
      await until('verify to wait', 15_000, () => stderr.includes('waiting for its start'));
      // It is told of the start once the container is past its end.
      child.kill('SIGSTOP');
      await docker.cli('start', '-a', 'quick');
      child.kill('SIGCONT');
      expect([await closed, stderr]).toEqual([
        5,
        expect.stringContaining('the container ended too soon'),
      ]);
      expect(stderr).toContain('Use --image');
    });

    test('a container that is never started: no "nothing was denied"', async () => {
      const args = ['--container', 'like', '--duration', '1s'];
      const { code, stderr } = await verify(at('sleep.json'), ...args);
      expect(stderr).toContain('nothing ran under the profile');
      expect(stderr).toContain('the container was not started');
      expect(code).toBe(5);
    });
  });
});
