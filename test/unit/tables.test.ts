import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ABIS,
  type Abi,
  abiOf,
  abisOfMachine,
  archOf,
  essentials,
  FALLBACKS,
  names,
  riskTier,
  syscallName,
  syscallNumber,
} from '../../src/tables';

// Known from the kernel's own tables, not from ours.
const KNOWN: [Abi, number, string][] = [
  ['x86_64', 0, 'read'],
  ['x86_64', 59, 'execve'],
  ['x86_64', 231, 'exit_group'],
  ['x86_64', 334, 'rseq'],
  ['x86_64', 424, 'pidfd_send_signal'],
  ['x86_64', 435, 'clone3'],
  ['x86_64', 452, 'fchmodat2'],
  ['i386', 0, 'restart_syscall'],
  ['i386', 11, 'execve'],
  ['i386', 102, 'socketcall'],
  ['i386', 119, 'sigreturn'],
  ['i386', 403, 'clock_gettime64'],
  ['x32', 0, 'read'],
  ['x32', 512, 'rt_sigaction'],
  ['x32', 520, 'execve'],
  ['aarch64', 29, 'ioctl'],
  ['aarch64', 79, 'newfstatat'],
  ['aarch64', 220, 'clone'],
  ['aarch64', 221, 'execve'],
  ['arm', 11, 'execve'],
  ['arm', 192, 'mmap2'],
  ['arm', 983045, 'set_tls'],
];

test.each(KNOWN)('%s %d is %s', (abi, number, name) => {
  expect(syscallName(abi, number)).toBe(name);
  expect(syscallNumber(abi, name)).toBe(number);
});

test.each(ABIS)('%s: every name leads to its number and back', (abi) => {
  const all = names(abi);
  expect(all.length).toBeGreaterThan(300);
  expect(new Set(all).size).toBe(all.length);
  for (const name of all) {
    const number = syscallNumber(abi, name);
    expect(number).not.toBeNull();
    expect(syscallName(abi, number as number)).toBe(name);
  }
});

test('what an ABI does not have is null', () => {
  expect(syscallName('x86_64', 400)).toBeNull();
  expect(syscallName('aarch64', 1000)).toBeNull();
  expect(syscallNumber('x86_64', 'socketcall')).toBeNull();
  expect(syscallNumber('aarch64', 'open')).toBeNull();
  expect(syscallNumber('x86_64', 'constructor')).toBeNull();
  expect(names('x32').every((name) => (syscallNumber('x32', name) as number) < 0x40000000)).toBe(
    true,
  );
});

test('the numbers are those of the compiler’s kernel headers', () => {
  const defines = spawnSync('cc', ['-E', '-dM', '-x', 'c', '-'], {
    input: '#include <asm/unistd.h>\n',
    encoding: 'utf8',
  });
  const abi: Abi | undefined = ({ x64: 'x86_64', arm64: 'aarch64' } as const)[
    process.arch as 'x64'
  ];
  if (defines.status !== 0 || abi === undefined)
    throw new Error('needs a C compiler on x64 or arm64');
  const found = [...defines.stdout.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  expect(found.length).toBeGreaterThan(300);
  for (const [, name, number] of found) {
    expect([name, syscallNumber(abi, name as string)]).toEqual([name, Number(number)]);
  }
});

test('essentials are calls of their ABI; the 32-bit forms only there', () => {
  for (const abi of ABIS) {
    const found = essentials(abi).map(({ name }) => name);
    expect(found).toEqual(
      expect.arrayContaining(['exit', 'exit_group', 'rt_sigreturn', 'restart_syscall']),
    );
    for (const name of found) expect(syscallNumber(abi, name)).not.toBeNull();
  }
  const i386 = essentials('i386').map(({ name }) => name);
  expect(i386).toEqual(
    expect.arrayContaining(['sigreturn', 'clock_gettime64', 'clock_getres_time64']),
  );
  const x86_64 = essentials('x86_64').map(({ name }) => name);
  expect(x86_64).toEqual(
    expect.arrayContaining(['clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'getcpu']),
  );
  expect(x86_64).not.toContain('sigreturn');
  expect(essentials('aarch64').map(({ name }) => name)).not.toContain('time');
});

test('every fallback is a call of some ABI, named once', () => {
  const all = FALLBACKS.map(({ name }) => name);
  expect(new Set(all).size).toBe(all.length);
  for (const name of all) expect(ABIS.some((abi) => syscallNumber(abi, name) !== null)).toBe(true);
  expect(all).toEqual(
    expect.arrayContaining(['clone3', 'faccessat2', 'openat2', 'statx', 'close_range', 'rseq']),
  );
});

test('risk tiers', () => {
  expect([riskTier('ptrace'), riskTier('bpf')]).toEqual([1, 1]);
  expect([riskTier('unshare'), riskTier('io_uring_setup'), riskTier('mount')]).toEqual([2, 2, 2]);
  expect([riskTier('clone'), riskTier('clone3')]).toEqual([3, 3]);
  expect(riskTier('read')).toBeNull();
});

test('architectures', () => {
  for (const abi of ABIS) expect(abiOf(archOf(abi))).toBe(abi);
  expect(archOf('i386')).toBe('SCMP_ARCH_X86');
  expect(abiOf('SCMP_ARCH_MIPS')).toBeNull();
  expect(abisOfMachine('x86_64')).toEqual(['x86_64', 'i386', 'x32']);
  expect(abisOfMachine('riscv64')).toBeNull();
});

describe('scripts/generate-tables', () => {
  const root = join(__dirname, '../..');
  let copy: string;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'scripts/generate-tables'), ...args], {
      encoding: 'utf8',
    });

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'sysieve-tables-'));
    mkdirSync(join(copy, 'scripts/tables'), { recursive: true });
    mkdirSync(join(copy, 'src/tables'), { recursive: true });
    for (const file of [
      'scripts/generate-tables',
      'scripts/tables/syscalls.tsv',
      'src/tables/syscalls.ts',
    ]) {
      cpSync(join(root, file), join(copy, file));
    }
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  test('the committed table is fresh, and writing it again changes nothing', () => {
    execFileSync(process.execPath, [join(root, 'scripts/generate-tables'), '--check']);
    const target = join(copy, 'src/tables/syscalls.ts');
    const before = statSync(target).mtimeMs;
    expect(run().status).toBe(0);
    expect(statSync(target).mtimeMs).toBe(before);
  });

  test('--check exits 1 for a stale table and leaves it alone', () => {
    const source = join(copy, 'scripts/tables/syscalls.tsv');
    const target = join(copy, 'src/tables/syscalls.ts');
    const before = readFileSync(target, 'utf8');
    writeFileSync(source, `${readFileSync(source, 'utf8')}brand_new\t999\t-\t-\t-\t-\n`);
    expect(run('--check').status).toBe(1);
    expect(readFileSync(target, 'utf8')).toBe(before);
    expect(run().status).toBe(0);
    expect(readFileSync(target, 'utf8')).toContain('999 brand_new');
    expect(run('--check').status).toBe(0);
  });

  test('two names for one number are refused', () => {
    const source = join(copy, 'scripts/tables/syscalls.tsv');
    writeFileSync(source, `${readFileSync(source, 'utf8')}not_read\t0\t-\t-\t-\t-\n`);
    const result = run();
    expect(result.status).not.toBe(0);
    expect(result.stderr).toContain('read and not_read');
  });
});
