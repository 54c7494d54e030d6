/** A profile in the engines' own formats with every field, gate and value that they read apart. */
import { defaultProfile } from '../../src/profile';

/** The calls whose rules are under test: busybox's sleep and its start need none of them. */
const SUBJECTS = [
  ...['acct', 'add_key', 'bpf', 'delete_module', 'init_module', 'ioperm', 'iopl', 'kcmp'],
  ...['kexec_load', 'keyctl', 'lookup_dcookie', 'mbind', 'move_pages', 'nfsservctl', 'quotactl'],
  ...['reboot', 'request_key', 'settimeofday', 'swapoff', 'swapon', 'sysfs', 'syslog', 'uselib'],
];

interface Rule {
  [key: string]: unknown;
}

/** One rule for each subject in turn. */
const RULES: Rule[] = [
  { includes: { minKernel: '3.10' } },
  { includes: { minKernel: '200.0' } },
  { excludes: { minKernel: '3.10' } },
  { excludes: { minKernel: '200.0' } },
  { includes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } },
  { includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } },
  { excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } },
  { excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_SYS_TIME'] } },
  { includes: { caps: ['CAP_NONE'] }, excludes: { caps: ['CAP_NONE'] } },
  { includes: { arches: ['amd64', 'arm64'] } },
  { includes: { arches: ['x86', 's390x'] } },
  { excludes: { arches: ['x86', 's390x'] } },
  { excludes: { arches: ['amd64'] } },
  { includes: { arches: ['amd64'], caps: ['CAP_CHOWN'], minKernel: '4.8' } },
  { includes: { arches: ['amd64'] }, excludes: { caps: ['CAP_CHOWN'] } },
  { action: 'SCMP_ACT_ERRNO', errnoRet: 7, errno: 'EXDEV' },
  { action: 'SCMP_ACT_ERRNO', errno: 'ENOBUFS' },
  { action: 'SCMP_ACT_ERRNO', errno: '33' },
  { action: 'SCMP_ACT_ERRNO', errnoRet: 8 },
  { args: [{ index: 1, value: 0x7e020000, valueTwo: 0x20000, op: 'SCMP_CMP_MASKED_EQ' }] },
  { args: [{ index: 0, value: 5, op: 'SCMP_CMP_LT' }], comment: 'as engines do', includes: null },
  { action: 'SCMP_ACT_KILL_PROCESS', excludes: {}, includes: {} },
  { action: 'SCMP_ACT_TRAP', args: null },
];

/** A document: not yet text, not yet parsed. */
export function gatedSample(): unknown {
  // Of a release whose names every libseccomp in use knows.
  const usual = defaultProfile('docker', '20.10.24', {
    capabilities: [],
    kernelVersion: '6.1',
    architecture: 'x86_64',
  });
  const names = usual.syscalls.filter((rule) => rule.args.length === 0).flatMap((r) => r.names);
  const subjects = SUBJECTS.map((name, index) => ({
    ...(index % 2 === 0 ? { name } : { names: [name] }),
    action: 'SCMP_ACT_ALLOW',
    ...RULES[index],
  }));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 99,
    defaultErrno: 'ENOLCK',
    archMap: [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_RISCV64', subArchitectures: null },
    ],
    syscalls: [
      {
        names: [...names, 'clone', 'socket', 'personality'].filter(
          (name) => !SUBJECTS.includes(name) && name !== 'clone3',
        ),
        action: 'SCMP_ACT_ALLOW',
      },
      ...subjects,
    ],
  };
}
