/** What a kernel lacks, and what a limit refuses, is named for what it is: neither for the other. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CLI, privileged, scratch } from '../support/recorder';

const { dir, remove } = scratch();
afterAll(remove);

/** Runs a shell's line before the command, which is appended; in a mount namespace of its own. */
function after(line: string, ...args: string[]) {
  const script = `${line}\nexec "$@"`;
  return spawnSync('unshare', ['-m', 'sh', '-ec', script, 'sh', process.execPath, CLI, ...args], {
    encoding: 'utf8',
    timeout: 180_000,
  });
}

const output = join(dir, 'recording.json');
const record = (line: string, ...options: string[]) =>
  after(line, 'record', '--tracer', 'ebpf', ...options, '-o', output, '--', 'true');

privileged('without the kernel’s types', () => {
  // Hidden for this command alone.
  const hide = 'mount -t tmpfs none /sys/kernel/btf';
  const words = "this kernel cannot find the kernel's type information (BTF)";

  test.each(['auto', 'typed', 'raw'])('record says so (programs: %s)', (programs) => {
    const { status, stderr } = record(hide, '--programs', programs);
    expect(stderr).toContain(`sysieve: ${words}\n`);
    expect(stderr).toContain('CONFIG_DEBUG_INFO_BTF=y');
    expect(status).toBe(4);
    expect(existsSync(output)).toBe(false);
  });

  test('doctor says so, in the same words', () => {
    const { status, stdout } = after(hide, 'doctor', '--json');
    const findings: { name: string; ok: boolean; detail: string }[] = JSON.parse(stdout).findings;
    const ebpf = findings.filter(({ name }) => name.startsWith('tracer ebpf'));
    expect(ebpf.map(({ ok }) => ok)).toEqual([false, false]);
    for (const { detail } of ebpf) expect(detail).toContain(words);
    const others = findings.some(({ name, ok }) => name.startsWith('tracer ') && ok);
    expect(status).toBe(others ? 0 : 4);
  });
});

privileged('out of descriptors', () => {
  test.each([20, 28, 36, 48])('record says so: %d of them', (limit) => {
    const { status, stderr } = record(`ulimit -n ${limit}`);
    expect(stderr).toMatch(/ran into a limit: open files|the launcher could not be started/);
    expect(stderr).toContain('EMFILE');
    expect(stderr).not.toContain('BTF');
    expect(status).toBe(4);
    expect(existsSync(output)).toBe(false);
  });
});
