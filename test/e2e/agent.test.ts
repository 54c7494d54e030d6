/** Complain mode for containers: podman with runc and with crun hands its filter's listener to the agent. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import {
  CLI,
  eventually,
  privileged,
  type Running,
  startUntil,
  sysieve,
} from '../support/recorder';

/** Enough for what is run here, less what the tests narrow it by. */
function complainProfile(dir: string, socket: string, name: string, without: string[]): string {
  const { stdout } = sysieve(['agent', '--socket', socket, '--print-profile']);
  const asked = JSON.parse(stdout) as { syscalls: { names: string[]; action: string }[] };
  const names = asked.syscalls.flatMap((rule) => rule.names).filter((n) => !without.includes(n));
  const own = join(dir, `${name}-own.json`);
  const file = join(dir, `${name}.json`);
  writeFileSync(
    own,
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
    }),
  );
  const printed = sysieve(['agent', '--socket', socket, '--print-profile', '--profile', own]);
  expect(printed.status).toBe(0);
  writeFileSync(file, printed.stdout);
  return file;
}

privileged('sysieve agent', () => {
  describe.each(['runc', 'crun'] as const)('with podman and %s', (runtime) => {
    let engine: TestEngine;
    let dir: string;
    let socket: string;
    let recordings: string;
    let agent: Running;

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'sysieve-agent-'));
      socket = join(dir, 'agent.sock');
      recordings = join(dir, 'recordings');
      mkdirSync(recordings);
      engine = await startPodman(mkdtempSync(join(tmpdir(), 'sysieve-engine-')), runtime);
      await importImages(engine, ['busybox']);
      const args = [CLI, 'agent', '--socket', socket, '-o', recordings];
      agent = await startUntil(process.execPath, args, /answer ENOSYS/);
    });

    afterAll(async () => {
      agent?.child.kill('SIGKILL');
      await engine?.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    // What a test that failed left behind is no other's.
    beforeEach(() => {
      for (const name of readdirSync(recordings)) rmSync(join(recordings, name));
    });

    const podman = (profile: string, ...command: string[]) =>
      engine.tryCli(
        ...[
          'run',
          '--rm',
          '--stop-timeout=0',
          '--timeout=20',
          '--network=none',
          '--security-opt',
          `seccomp=${profile}`,
        ],
        ...[...engine.createArgs, imageRef('busybox'), ...command],
      );

    function runs(): Run[] {
      // One that is being written has another name yet.
      const written = readdirSync(recordings).filter((file) => !file.startsWith('.'));
      return written.flatMap(
        (file) => parseRecording(readFileSync(join(recordings, file), 'utf8'), file).runs,
      );
    }

    async function runOf(count: number): Promise<Run> {
      await eventually(
        'the recording of the container',
        () => readdirSync(recordings).length === count,
      );
      const [run] = runs();
      if (run === undefined) throw new Error('no run');
      for (const file of readdirSync(recordings)) rmSync(join(recordings, file));
      return run;
    }

    const application = (run: Run) =>
      run.calls
        .filter(({ phases }) => phases.some((phase) => phase !== 'runtime'))
        .map(({ name }) => name);

    it('records exactly what a narrowed profile lacks, which runs all the same', async () => {
      const profile = complainProfile(dir, socket, 'narrow', ['mkdir', 'rmdir']);
      const { code, stdout } = await podman(
        profile,
        'sh',
        '-c',
        'mkdir /tmp/made && rmdir /tmp/made && echo done',
      );
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
      const run = await runOf(1);
      // execve is asked about always; the shell carries its applets out itself.
      expect(application(run)).toEqual(expect.arrayContaining(['mkdir', 'rmdir']));
      expect(application(run).filter((name) => !/^(mkdir|rmdir|execve)$/.test(name ?? ''))).toEqual(
        [],
      );
      const mkdir = run.calls.find(({ name }) => name === 'mkdir');
      expect(mkdir?.count).toBe(1);
      expect(mkdir?.executables.map((index) => run.executables[index])).toEqual(['/bin/sh']);
      expect(run.target.kind).toBe('container');
      expect(run.completeness).toMatchObject({
        complete: false,
        startsSeen: 1,
        blindSpots: expect.arrayContaining(['calls-without-a-name', 'permitted-calls']),
      });
      // runc is written in Go, whose scheduler sends signals: one may take a call back unread.
      const { callsLost, blindSpots } = run.completeness;
      expect(callsLost > 0).toBe(blindSpots.includes('withdrawn-before-seen'));
    });

    it('sees everything but what cannot be where no profile is given', async () => {
      const file = join(dir, 'all.json');
      const args = ['agent', '--socket', socket, '--print-profile', '--runtime', runtime];
      writeFileSync(file, sysieve(args).stdout);
      const { code, stdout } = await podman(file, 'cat', '/etc/hostname');
      expect(code).toBe(0);
      expect(stdout).not.toBe('');
      const seen = application(await runOf(1));
      expect(seen).toEqual(expect.arrayContaining(['exit_group', 'brk', 'sendfile']));
      for (const name of ['write', 'read', 'close']) expect(seen).not.toContain(name);
    });

    it('refuses what is no container state, and goes on', async () => {
      const before = agent.stderr().length;
      for (const text of ['', 'no JSON', '{"fds":["seccompFd"],"pid":1,"state":{"id":"x"}}']) {
        await new Promise<void>((resolve, reject) => {
          const client = connect(socket, () => client.end(text));
          client.on('close', () => resolve()).on('error', reject);
        });
      }
      await eventually('three refusals', () => {
        return (
          [
            ...agent
              .stderr()
              .slice(before)
              .matchAll(/refused what process/g),
          ].length === 3
        );
      });
      const profile = complainProfile(dir, socket, 'after', ['mkdir']);
      expect(await podman(profile, 'sh', '-c', 'mkdir /tmp/made')).toMatchObject({ code: 0 });
      expect(application(await runOf(1))).toContain('mkdir');
    });

    it('on SIGINT writes what lives on; its calls outside the profile answer ENOSYS', async () => {
      const profile = complainProfile(dir, socket, 'living', ['mkdir']);
      const script =
        'mkdir /tmp/a; echo up; while [ ! -e /tmp/go ]; do sleep 0.1; done; mkdir /tmp/b';
      const name = `living-${runtime}`;
      const created = await engine.tryCli(
        ...['run', '-d', '--name', name, '--network=none'],
        ...['--security-opt', `seccomp=${profile}`, ...engine.createArgs],
        ...[imageRef('busybox'), 'sh', '-c', script],
      );
      expect(created.code).toBe(0);
      const logs = async (): Promise<string> => {
        const { stdout, stderr } = await engine.tryCli('logs', name);
        return stdout + stderr;
      };
      while (!(await logs()).includes('up')) await new Promise((done) => setTimeout(done, 100));
      agent.child.kill('SIGINT');
      expect((await agent.exited).status).toBe(0);
      const run = await runOf(1);
      expect(application(run)).toContain('mkdir');
      expect(agent.stderr()).toMatch(/lives on: its calls outside the profile answer ENOSYS/);
      // The loop makes no call outside: the container does not hang, and its mkdir fails.
      const pid = (await engine.cli('inspect', '-f', '{{.State.Pid}}', name)).trim();
      writeFileSync(`/proc/${pid}/root/tmp/go`, '');
      expect(await engine.cli('wait', name)).not.toBe('0');
      expect(await logs()).toMatch(/Function not implemented/);
    });
  });
});
