/** `record` without --tracer: the first tracer that can be armed, and why not those before it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingSchema } from '../../src/recording/schema';
import { CLI, privileged } from '../support/recorder';

/** Everything but calls that other tracers need; the engine around a recorder may be as strict. */
const without = (...names: string[]): string =>
  JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  });

privileged('record chooses', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sysieve-auto-'));
    chmodSync(dir, 0o777);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

  function under(...names: string[]): string[] {
    const profile = join(dir, 'without.json');
    writeFileSync(profile, without(...names));
    return [process.execPath, CLI, 'run', '--profile', profile, '--'];
  }

  function record(prefix: string[], args: string[]) {
    const output = join(dir, 'recording.json');
    rmSync(output, { force: true });
    const [command = '', ...rest] = [...prefix, process.execPath, CLI, 'record', '-o', output];
    const { status, stderr } = spawnSync(command, [...rest, ...args], {
      cwd: dir,
      encoding: 'utf8',
      timeout: 180_000,
    });
    const tracer = /^sysieve: (tracer .*)$/m.exec(stderr)?.[1];
    const run = () => RecordingSchema.parse(JSON.parse(readFileSync(output, 'utf8'))).runs[0];
    return { status, stderr, tracer, run };
  }

  it('ebpf, where it may be loaded', () => {
    const { status, tracer, run } = record([], ['--', '/bin/true']);
    expect([status, tracer]).toEqual([0, 'tracer ebpf']);
    expect(run()).toMatchObject({ tracer: 'ebpf', completeness: { complete: true } });
  });

  it('ptrace, without the privilege for ebpf', () => {
    const { status, tracer, run } = record(NOBODY, ['--', '/bin/true']);
    expect([status, tracer]).toEqual([
      0,
      expect.stringMatching(/^tracer ptrace; not ebpf: not permitted to trace with eBPF \(/),
    ]);
    expect(run()).toMatchObject({ tracer: 'ptrace', completeness: { complete: true } });
  });

  it('notify, where a filter denies bpf and ptrace', () => {
    const { status, tracer, run } = record(under('bpf', 'ptrace'), ['--', '/bin/true']);
    expect([status, tracer]).toEqual([
      0,
      expect.stringMatching(/^tracer notify; not ebpf: .*; not ptrace: not permitted /),
    ]);
    expect(run()).toMatchObject({ tracer: 'notify', completeness: { complete: true } });
  });

  it('none: exit 4 with the reason of each, and the command has not run', () => {
    const made = join(dir, 'made');
    const denied = under('bpf', 'ptrace', 'seccomp');
    const { status, stderr } = record(denied, ['--', '/bin/mkdir', made]);
    expect(status).toBe(4);
    expect(stderr).toMatch(/no tracer can be used here/);
    for (const tracer of ['ebpf', 'ptrace', 'notify']) expect(stderr).toContain(`not ${tracer}: `);
    expect(spawnSync('test', ['-e', made]).status).toBe(1);
  });

  it('none for what runs already: notify cannot attach', () => {
    const { status, stderr } = record(under('bpf', 'ptrace'), ['--pid', String(process.pid)]);
    expect(status).toBe(4);
    expect(stderr).toContain('not ptrace: ');
    expect(stderr).not.toContain('notify');
  });

  it('no other than ebpf for denied calls, and says what that needs', () => {
    const { status, stderr } = record(NOBODY, ['--denied', '--', '/bin/true']);
    expect(status).toBe(4);
    expect(stderr).toContain('not permitted to trace with eBPF');
    expect(stderr).not.toContain('ptrace;');
  });
});
