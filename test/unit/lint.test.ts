/** lint: each rule with a profile that has what it finds, and a near miss that has not. */
import fc from 'fast-check';
import { locate } from '../../src/json';
import { lineColumn } from '../../src/json/place';
import { type LintInput, lint, type Target } from '../../src/lint';
import { answerOf, type Call, type Policy, policyOfProfile } from '../../src/policy';
import {
  type Evidence,
  type GatedProfile,
  type Profile,
  parseGatedProfile,
  parseProfile,
} from '../../src/profile';
import { decodeDefaults } from '../../src/profile/defaults';
import type { Finding } from '../../src/review';
import { ruleText } from '../../src/review/rules';
import { DEFAULTS } from '../../src/tables';
import { gatedSample } from '../support/gated-sample';
import { SAMPLES } from '../support/policies';

interface Options {
  target?: Target;
  evidence?: Evidence;
  /** Names that the libseccomp at hand does not know. */
  without?: readonly string[];
}

function lintText(text: string, { target, evidence, without }: Options = {}): Finding[] {
  let profile: LintInput['profile'];
  try {
    profile = { format: 'oci', value: parseProfile(text, 'app.json') };
  } catch {
    profile = { format: 'gated', value: parseGatedProfile(text, 'app.json') };
  }
  return lint({
    profile,
    places: (path) => ({ file: 'app.json', ...lineColumn(text, locate(text, path)) }),
    evidence: evidence ?? null,
    target: target ?? null,
    resolves: without === undefined ? null : (name) => !without.includes(name),
  });
}

const lintOf = (document: object, options?: Options) =>
  lintText(JSON.stringify(document, null, 2), options);

type Rule = Record<string, unknown>;

const DENY = { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'] };
const deny = (...syscalls: Rule[]) => ({ ...DENY, syscalls });
const permit = (...syscalls: Rule[]) => ({ ...DENY, defaultAction: 'SCMP_ACT_ALLOW', syscalls });
const with32 = (profile: object) => ({
  ...profile,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
});
const allow = (names: string, ...args: Rule[]): Rule => ({
  names: names.split(' '),
  action: 'SCMP_ACT_ALLOW',
  args,
});
const refuse = (names: string, errnoRet?: number, ...args: Rule[]): Rule => ({
  names: names.split(' '),
  action: 'SCMP_ACT_ERRNO',
  ...(errnoRet === undefined ? {} : { errnoRet }),
  args,
});
const cmp = (index: number, op: string, value: number, valueTwo?: number): Rule => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  ...(valueTwo === undefined ? {} : { valueTwo }),
});
const masked = (index: number, mask: number, value: number) => cmp(index, 'MASKED_EQ', mask, value);

/** Writable or executable. */
const neverBoth = (names: string): Rule[] => [
  allow(names, masked(2, 4, 0)),
  allow(names, masked(2, 2, 0)),
];

const evidenceOf = (justifications: Record<string, string>): Evidence => ({
  version: 3,
  calls: [
    {
      abi: 'x86_64',
      name: 'ptrace',
      action: 'SCMP_ACT_ALLOW',
      errnoRet: null,
      why: ['observed'],
      executables: ['/usr/bin/gdb'],
      phases: ['steady'],
    },
  ],
  excluded: [],
  justifications,
});

const NAMESPACES = 0x7e020000;
const NEWUSER = 0x10000000;
const gated = (rule: Rule, gates: Rule) => ({ ...deny(allow('read'), { ...rule, ...gates }) });

interface Case {
  rule: string;
  /** What about it. */
  about: string;
  has: [profile: object, options?: Options];
  misses: [profile: object, options?: Options];
  severity: Finding['severity'];
}

const CASES: Case[] = [
  {
    rule: 'default-allows',
    about: 'LOG lets pass as well',
    has: [{ ...DENY, defaultAction: 'SCMP_ACT_LOG' }],
    misses: [{ ...DENY, defaultAction: 'SCMP_ACT_KILL' }],
    severity: 'high',
  },
  {
    rule: 'risky-call',
    about: 'tier 1',
    has: [deny(allow('read ptrace'))],
    misses: [deny(allow('read'), refuse('ptrace', 13))],
    severity: 'high',
  },
  {
    rule: 'risky-call',
    about: 'tier 1 with conditions',
    has: [deny(allow('ptrace', masked(0, 0xffffffff, 0)))],
    misses: [deny(allow('ptracer'))],
    severity: 'medium',
  },
  {
    rule: 'risky-call',
    about: 'tier 2',
    has: [deny(allow('mount'))],
    misses: [deny(allow('mknod'))],
    severity: 'medium',
  },
  {
    rule: 'risky-call',
    about: 'tier 3',
    has: [deny(allow('kcmp'))],
    misses: [deny(allow('kill'))],
    severity: 'low',
  },
  {
    rule: 'risky-call',
    about: 'justified',
    has: [deny(allow('ptrace')), { evidence: evidenceOf({ ptrace: 'a debugger' }) }],
    misses: [deny(allow('read')), { evidence: evidenceOf({ ptrace: 'a debugger' }) }],
    severity: 'low',
  },
  {
    rule: 'justification-missing',
    about: 'evidence without one',
    has: [deny(allow('ptrace')), { evidence: evidenceOf({}) }],
    misses: [deny(allow('ptrace')), { evidence: evidenceOf({ ptrace: 'a debugger' }) }],
    severity: 'medium',
  },
  {
    rule: 'justification-missing',
    about: 'no evidence at all is no finding',
    has: [deny(allow('bpf')), { evidence: evidenceOf({ constructor: 'x' }) }],
    misses: [deny(allow('bpf'))],
    severity: 'medium',
  },
  {
    rule: 'user-namespace-open',
    about: 'clone without a mask',
    has: [deny(allow('clone'))],
    misses: [deny(allow('clone', masked(0, NAMESPACES, 0)))],
    severity: 'high',
  },
  {
    rule: 'user-namespace-open',
    about: 'a mask that forgets one flag',
    has: [deny(allow('clone', masked(0, NAMESPACES - NEWUSER, 0)))],
    misses: [deny(allow('clone', masked(0, NEWUSER, 0)))],
    severity: 'high',
  },
  {
    rule: 'user-namespace-open',
    about: 'clone3 takes its flags from memory',
    has: [deny(allow('clone', masked(0, NAMESPACES, 0)), allow('clone3'))],
    misses: [deny(allow('clone', masked(0, NAMESPACES, 0)), refuse('clone3', 38))],
    severity: 'high',
  },
  {
    rule: 'user-namespace-open',
    about: 'unshare',
    has: [deny(allow('unshare'))],
    misses: [deny(allow('unshare', masked(0, NEWUSER, 0)))],
    severity: 'high',
  },
  {
    rule: 'namespaces-open',
    about: 'all but user namespaces',
    has: [deny(allow('unshare', masked(0, NEWUSER, 0)))],
    misses: [deny(allow('unshare', masked(0, 0x7e020080, 0)))],
    severity: 'low',
  },
  {
    rule: 'socket-domains',
    about: 'any domain',
    has: [deny(allow('socket'))],
    misses: [deny(allow('socket', masked(0, 0xffffffff, 2)))],
    severity: 'medium',
  },
  {
    rule: 'socket-domains',
    about: 'AF_NETLINK alone',
    has: [deny(allow('socket', masked(0, 0xffffffff, 16)))],
    misses: [deny(allow('socket', masked(0, 0xffffffff, 1)))],
    severity: 'low',
  },
  {
    rule: 'personality-open',
    about: 'any flag',
    has: [deny(allow('personality'))],
    misses: [deny(allow('personality', cmp(0, 'EQ', 0)), allow('personality', cmp(0, 'EQ', 8)))],
    severity: 'low',
  },
  {
    rule: 'io-uring-bypass',
    about: 'openat refused',
    has: [deny(allow('io_uring_setup io_uring_enter read'))],
    misses: [deny(allow('io_uring_setup read'))],
    severity: 'high',
  },
  {
    rule: 'equivalent-open',
    about: 'openat refused by a rule',
    has: [permit(refuse('openat'))],
    misses: [permit(refuse('openat open openat2 creat'))],
    severity: 'medium',
  },
  {
    rule: 'equivalent-open',
    about: 'execve left out, execveat not',
    has: [deny(allow('execveat'))],
    misses: [deny(allow('execve'))],
    severity: 'medium',
  },
  {
    rule: 'equivalent-open',
    about: 'a call that is only left out is nobody’s refusal',
    has: [deny(allow('openat2'), allow('openat', cmp(2, 'EQ', 0)))],
    misses: [deny(allow('openat2'))],
    severity: 'medium',
  },
  {
    rule: 'equivalent-open',
    about: 'ENOSYS sends callers to the other call',
    has: [deny(allow('openat'), refuse('openat2', 13))],
    misses: [deny(allow('openat'), refuse('openat2', 38))],
    severity: 'medium',
  },
  {
    rule: 'executable-memory-open',
    about: 'mprotect beside a bounded mmap',
    has: [deny(...neverBoth('mmap'), allow('mprotect'))],
    misses: [deny(...neverBoth('mmap'), allow('mprotect', masked(2, 4, 0)))],
    severity: 'low',
  },
  {
    rule: 'executable-memory-open',
    about: 'pkey_mprotect, of which nobody thinks',
    has: [deny(...neverBoth('mmap mprotect'), allow('pkey_mprotect'))],
    misses: [deny(...neverBoth('mmap mprotect'))],
    severity: 'low',
  },
  {
    rule: 'executable-memory-open',
    about: 'shared memory that is writable and executable',
    has: [deny(...neverBoth('mprotect'), allow('shmat'))],
    misses: [deny(...neverBoth('mprotect'), allow('shmat', masked(2, 0x8000, 0)))],
    severity: 'low',
  },
  {
    rule: 'executable-memory-open',
    about: 'where nothing bounds it, nothing is gone around',
    has: [deny(allow('mmap'), ...neverBoth('mprotect'))],
    misses: [deny(allow('mmap mprotect'))],
    severity: 'low',
  },
  {
    rule: 'fallback-errno',
    about: 'clone3 with EPERM by a rule',
    has: [
      {
        ...deny(allow('clone', masked(0, NAMESPACES, 0)), refuse('clone3', 1)),
        defaultErrnoRet: 13,
      },
    ],
    misses: [deny(allow('clone', masked(0, NAMESPACES, 0)), refuse('clone3', 38))],
    severity: 'medium',
  },
  {
    rule: 'fallback-errno',
    about: 'clone3 by the default',
    has: [deny(allow('clone', masked(0, NAMESPACES, 0)), allow('landlock_create_ruleset'))],
    misses: [{ ...deny(allow('clone', masked(0, NAMESPACES, 0))), defaultErrnoRet: 38 }],
    severity: 'medium',
  },
  {
    rule: 'socketcall-open',
    about: 'i386 listed',
    has: [with32(deny(allow('socket', masked(0, 0xffffffff, 1))))],
    misses: [deny(allow('socket', masked(0, 0xffffffff, 1)))],
    severity: 'medium',
  },
  {
    rule: 'ipc-open',
    about: 'shmat bounded',
    has: [with32(deny(allow('shmat', masked(2, 0x8000, 0)), allow('ipc')))],
    misses: [with32(deny(allow('ipc')))],
    severity: 'medium',
  },
  {
    rule: 'truncation-bypass',
    about: 'NE lets the same number with an upper bit pass',
    has: [deny(allow('socket', cmp(0, 'NE', 38)))],
    misses: [deny(allow('socket', masked(0, 0xffffffff, 1)))],
    severity: 'high',
  },
  {
    rule: 'truncation-bypass',
    about: 'an EQ refusal',
    has: [permit(refuse('ioctl', 1, cmp(1, 'EQ', 0x5412)))],
    misses: [permit(refuse('ioctl', 1, masked(1, 0xffffffff, 0x5412)))],
    severity: 'high',
  },
  {
    rule: 'truncation-bypass',
    about: 'GT beside LT',
    has: [deny(allow('socket', cmp(0, 'LT', 38)), allow('socket', cmp(0, 'GT', 40)))],
    misses: [deny(allow('socket', cmp(0, 'LT', 38)))],
    severity: 'high',
  },
  {
    rule: 'truncation-bypass',
    about: 'only together with another argument',
    has: [deny(allow('socket', cmp(0, 'NE', 16)), allow('socket', cmp(2, 'NE', 9)))],
    misses: [deny(allow('mmap', cmp(2, 'NE', 7)))],
    severity: 'high',
  },
  {
    rule: 'compares-unread-bits',
    about: 'EQ that permits',
    has: [deny(allow('personality', cmp(0, 'EQ', 0)))],
    misses: [deny(allow('personality', masked(0, 0xffffffff, 0)))],
    severity: 'low',
  },
  {
    rule: 'value-beyond-argument',
    about: 'a refusal that meets nothing',
    has: [permit(refuse('socket', 1, cmp(0, 'EQ', 0x100000026)))],
    misses: [permit(refuse('mmap', 1, cmp(2, 'EQ', 0x100000007)))],
    severity: 'high',
  },
  {
    rule: 'conditions-refuse-nothing',
    about: 'LE beside GT',
    has: [deny(allow('madvise', cmp(2, 'LE', 4)), allow('madvise', cmp(2, 'GT', 4)))],
    misses: [deny(allow('madvise', cmp(2, 'LE', 4)), allow('madvise', cmp(2, 'GT', 5)))],
    severity: 'medium',
  },
  {
    rule: 'permits-nearly-all',
    about: 'NE',
    has: [deny(allow('prctl', cmp(0, 'NE', 22)))],
    misses: [deny(allow('prctl', cmp(0, 'EQ', 22)))],
    severity: 'low',
  },
  {
    rule: 'mask-misses',
    about: 'clone masked on its signal',
    has: [deny(allow('clone', masked(0, 0xff, 17)))],
    misses: [deny(allow('clone', masked(0, 0x100ff, 17)))],
    severity: 'medium',
  },
  {
    rule: 'repeated-index',
    about: 'a range that is none',
    has: [deny(allow('prctl', cmp(0, 'GT', 4), cmp(0, 'LT', 9)))],
    misses: [deny(allow('prctl', cmp(0, 'GT', 4), cmp(1, 'LT', 9)))],
    severity: 'high',
  },
  {
    rule: 'repeated-index',
    about: 'alternatives, meant as such',
    has: [deny(allow('prctl', masked(0, 0xffff, 4), masked(0, 0xffff, 9)))],
    misses: [deny(allow('prctl', masked(0, 0xffff, 4)), allow('prctl', masked(0, 0xffff, 9)))],
    severity: 'low',
  },
  {
    rule: 'conditions-over-six',
    about: 'seven',
    has: [deny(allow('ioctl', ...[1, 2, 3, 4, 5, 6, 7].map((value) => cmp(1, 'EQ', value))))],
    misses: [
      deny(allow('ioctl', ...[1, 2, 3, 4, 5, 6, 7].map((value) => cmp(1, 'EQ', value)))),
      { target: 'docker' },
    ],
    severity: 'medium',
  },
  {
    rule: 'rule-duplicate',
    about: 'the same rule twice',
    has: [deny(allow('read write'), allow('read'))],
    misses: [deny(allow('read write'), allow('close'))],
    severity: 'low',
  },
  {
    rule: 'rule-duplicate',
    about: 'the same conditions twice',
    has: [deny(allow('prctl', cmp(0, 'EQ', 4)), allow('prctl', cmp(0, 'EQ', 4)))],
    misses: [deny(allow('prctl', cmp(0, 'EQ', 4)), allow('prctl', cmp(0, 'EQ', 9)))],
    severity: 'low',
  },
  {
    rule: 'rule-without-effect',
    about: 'within another alternative',
    has: [deny(allow('prctl', masked(0, 1, 0)), allow('prctl', cmp(0, 'EQ', 4)))],
    misses: [deny(allow('prctl', masked(0, 1, 0)), allow('prctl', cmp(0, 'EQ', 5)))],
    severity: 'low',
  },
  {
    rule: 'rule-shadowed',
    about: 'a conditional refusal beside an unconditional permission',
    has: [deny(refuse('prctl', 13, cmp(0, 'EQ', 22)), allow('prctl'))],
    misses: [deny(refuse('prctl', 13, cmp(0, 'EQ', 22)), allow('prctl', cmp(0, 'EQ', 4)))],
    severity: 'high',
  },
  {
    rule: 'rule-shadowed',
    about: 'the first of two unconditional rules wins',
    has: [deny(refuse('read', 13), allow('read'))],
    misses: [deny(refuse('read', 13), allow('write'))],
    severity: 'medium',
  },
  {
    rule: 'rule-equals-default',
    about: 'EPERM is the errno that is not said',
    has: [deny(allow('read'), refuse('write', 1))],
    misses: [deny(allow('read'), refuse('write', 2))],
    severity: 'low',
  },
  {
    rule: 'rule-skipped',
    about: 'a refusal that takes nothing back',
    has: [deny(allow('prctl'), refuse('prctl', 1, cmp(0, 'EQ', 22)))],
    misses: [deny(allow('prctl', cmp(0, 'EQ', 4)), refuse('prctl', 1, cmp(0, 'EQ', 22)))],
    severity: 'high',
  },
  {
    rule: 'errno-on-other-action',
    about: 'crun refuses it',
    has: [deny({ ...allow('read'), errnoRet: 1 })],
    misses: [deny(refuse('read', 2))],
    severity: 'high',
  },
  {
    rule: 'errno-on-other-action',
    about: 'Docker’s runc ignores it',
    has: [deny({ ...allow('read'), errnoRet: 1 }), { target: 'docker' }],
    misses: [deny(allow('read')), { target: 'docker' }],
    severity: 'low',
  },
  {
    rule: 'notify-refused',
    about: 'on write',
    has: [deny({ ...allow('read write'), action: 'SCMP_ACT_NOTIFY' })],
    misses: [deny({ ...allow('read'), action: 'SCMP_ACT_NOTIFY' })],
    severity: 'high',
  },
  {
    rule: 'notify-refused',
    about: 'as the default',
    has: [{ ...deny(allow('read')), defaultAction: 'SCMP_ACT_NOTIFY' }],
    misses: [{ ...deny(allow('read')), defaultAction: 'SCMP_ACT_TRACE' }],
    severity: 'high',
  },
  {
    rule: 'runtime-refuses',
    about: 'an errno that libseccomp does not take',
    has: [deny(allow('read'), refuse('write', 4095))],
    misses: [deny(allow('read'), refuse('write', 4094))],
    severity: 'high',
  },
  {
    rule: 'rules-undecided',
    about: 'overlapping rules of different answers',
    has: [deny(allow('prctl', cmp(0, 'GT', 4)), refuse('prctl', 13, cmp(0, 'EQ', 22)))],
    misses: [deny(allow('prctl', cmp(0, 'EQ', 4)), refuse('prctl', 13, cmp(0, 'EQ', 22)))],
    severity: 'high',
  },
  {
    rule: 'architecture-not-judged',
    about: 'no table',
    has: [{ ...deny(allow('read')), architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_S390X'] }],
    misses: [{ ...deny(allow('read')), architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_ARM'] }],
    severity: 'note',
  },
  {
    rule: 'name-unknown',
    about: 'misspelt',
    has: [deny(allow('read wirte'))],
    misses: [deny(allow('read write'))],
    severity: 'low',
  },
  {
    rule: 'name-unknown',
    about: 'unknown to libseccomp as well',
    has: [deny(allow('wirte')), { without: ['wirte'] }],
    misses: [deny(allow('wirte')), { without: [] }],
    severity: 'medium',
  },
  {
    rule: 'name-newer',
    about: 'a refusal that is none there',
    has: [permit(refuse('mseal', 1)), { without: ['mseal'] }],
    misses: [permit(refuse('mseal', 1)), { without: [] }],
    severity: 'high',
  },
  {
    rule: 'name-newer',
    about: 'a permission that is none there',
    has: [deny(allow('mseal')), { without: ['mseal'] }],
    misses: [deny(allow('mseal'))],
    severity: 'low',
  },
  {
    rule: 'name-duplicate',
    about: 'in one rule',
    has: [deny(allow('read write read'))],
    misses: [deny(allow('read write'))],
    severity: 'low',
  },
  {
    rule: 'name-elsewhere',
    about: 'a call of i386',
    has: [deny(allow('read chown32'))],
    misses: [with32(deny(allow('read chown32')))],
    severity: 'note',
  },
  {
    rule: 'name-elsewhere',
    about: 'recv is a call of i386 through socketcall',
    has: [deny(allow('recv'))],
    misses: [with32(deny(allow('recv')))],
    severity: 'note',
  },
  {
    rule: 'no-architectures',
    about: 'none listed',
    has: [{ ...deny(allow('read')), architectures: [] }],
    misses: [deny(allow('read'))],
    severity: 'low',
  },
  {
    rule: 'x32-listed',
    about: 'beside x86_64',
    has: [{ ...deny(allow('read')), architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'] }],
    misses: [with32(deny(allow('read')))],
    severity: 'low',
  },
  {
    rule: 'gate-ignored',
    about: 'containerd, and it widens',
    has: [
      gated(allow('mount'), { includes: { caps: ['CAP_SYS_ADMIN'] } }),
      { target: 'containerd' },
    ],
    misses: [
      gated(allow('mount'), { includes: { caps: ['CAP_SYS_ADMIN'] } }),
      { target: 'docker' },
    ],
    severity: 'high',
  },
  {
    rule: 'gate-ignored',
    about: 'containerd, and it narrows',
    has: [
      gated(refuse('mount', 13), { includes: { caps: ['CAP_SYS_ADMIN'] } }),
      { target: 'containerd' },
    ],
    misses: [gated(refuse('mount', 13), {}), { target: 'containerd' }],
    severity: 'low',
  },
  {
    rule: 'gate-ignored',
    about: 'SPO alike',
    has: [gated(allow('mount'), { includes: { arches: ['s390x'] } }), { target: 'spo' }],
    misses: [gated(allow('mount'), { includes: { arches: ['s390x'] } }), { target: 'podman' }],
    severity: 'high',
  },
  {
    rule: 'gate-ignored',
    about: 'Podman reads no minKernel: older kernels',
    has: [gated(allow('ptrace'), { includes: { minKernel: '4.8' } }), { target: 'podman' }],
    misses: [gated(allow('ptrace'), { includes: { minKernel: '4.8' } }), { target: 'docker' }],
    severity: 'medium',
  },
  {
    rule: 'gate-ignored',
    about: 'CRI-O reads as Podman does: current kernels',
    has: [gated(allow('ptrace'), { excludes: { minKernel: '4.8' } }), { target: 'cri-o' }],
    misses: [gated(allow('ptrace'), { excludes: { minKernel: '4.8' } })],
    severity: 'high',
  },
  {
    rule: 'errno-name-ignored',
    about: 'Docker',
    has: [gated(refuse('ptrace', 38), { errno: 'ENOSYS' }), { target: 'docker' }],
    misses: [gated(refuse('ptrace', 38), { errno: 'ENOSYS' }), { target: 'podman' }],
    severity: 'medium',
  },
  {
    rule: 'errno-name-ignored',
    about: 'containerd, of the default',
    has: [{ ...deny(allow('read')), defaultErrno: 'ENOSYS' }, { target: 'containerd' }],
    misses: [{ ...deny(allow('read')), defaultErrno: 'ENOSYS' }, { target: 'cri-o' }],
    severity: 'medium',
  },
  {
    rule: 'archmap-ignored',
    about: 'containerd',
    has: [
      {
        defaultAction: 'SCMP_ACT_ERRNO',
        archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      },
      { target: 'containerd' },
    ],
    misses: [with32(deny(allow('read'))), { target: 'containerd' }],
    severity: 'medium',
  },
  {
    rule: 'spo-default-errno',
    about: 'another than EPERM',
    has: [{ ...deny(allow('read')), defaultErrnoRet: 38 }, { target: 'spo' }],
    misses: [{ ...deny(allow('read')), defaultErrnoRet: 1 }, { target: 'spo' }],
    severity: 'medium',
  },
];

describe.each(CASES.map((one) => [`${one.rule}: ${one.about}`, one] as const))('%s', (_, one) => {
  const of = ([profile, options]: Case['has']) =>
    lintOf(profile, options).filter(({ rule, severity }) => {
      return rule === one.rule && severity === one.severity;
    });

  it('is found, with a place, a reason to believe it, and a description of the rule', () => {
    const [found] = of(one.has);
    expect(found).toMatchObject({ effect: 'none', contexts: [], waiver: null });
    expect(found?.message).toMatch(/^\S[^\n]*\S$/);
    expect(found?.place?.line).toBeGreaterThan(1);
    expect(found?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(ruleText(one.rule)).toMatch(/^\S[^\n]*\.$/);
  });

  it('is not found in the near miss', () => {
    expect(of(one.misses)).toEqual([]);
  });
});

it('finds values that a SeccompProfile resource cannot hold, at their place', () => {
  const text = (value: string) => `{
    "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 1, "op": "SCMP_CMP_LE",
       "value": ${value}}]}]
  }`;
  const rules = (value: string, target: Target) =>
    lintText(text(value), { target }).filter(({ rule }) => rule === 'spo-value');
  expect(rules('9223372036854775808', 'spo')).toMatchObject([
    { severity: 'high', place: { file: 'app.json', line: 5, column: 17 } },
  ]);
  expect(rules('9223372036854775807', 'spo')).toEqual([]);
  expect(rules('9223372036854775808', 'containerd')).toEqual([]);
});

describe('places', () => {
  const text = `{
  "defaultAction": "SCMP_ACT_ERRNO",
  "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [
    {"names": ["read",
               "ptrace"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "op": "SCMP_CMP_NE", "value": 38}
    ]}
  ]
}`;
  it('are those of the name and of the condition', () => {
    const at = (rule: string) => lintText(text).find((finding) => finding.rule === rule)?.place;
    expect(at('risky-call')).toEqual({ file: 'app.json', line: 6, column: 16 });
    expect(at('truncation-bypass')).toEqual({ file: 'app.json', line: 8, column: 7 });
  });

  it('of a gated profile are those in its file, not in what the runtime is handed', () => {
    const sample = gated(allow('ptrace'), {});
    sample.syscalls.unshift({ ...allow('chroot'), includes: { caps: ['CAP_SYS_CHROOT'] } });
    const indented = JSON.stringify(sample, null, 1);
    const found = lintText(indented).find(({ call }) => call === 'ptrace');
    const line = indented.split('\n').findIndex((one) => one.includes('ptrace')) + 1;
    expect(found?.place?.line).toBe(line);
  });
});

it('says what passes with a capability in one note', () => {
  const profile = gated(allow('mount umount2 close'), { includes: { caps: ['CAP_SYS_ADMIN'] } });
  const found = lintOf(profile, { target: 'docker' });
  expect(found.filter(({ rule }) => rule !== 'fallback-errno')).toMatchObject([
    {
      rule: 'capability-opens',
      severity: 'note',
      call: null,
      message: 'in containers with CAP_SYS_ADMIN more passes: mount and umount2',
    },
  ]);
});

it('says what passes only with two capabilities, and not again what one of them opens', () => {
  const profile = gated(allow('mount'), { includes: { caps: ['CAP_SYS_ADMIN'] } });
  profile.syscalls.push({
    ...allow('bpf'),
    includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] },
  });
  const found = lintOf(profile, { target: 'docker' });
  expect(found.filter(({ rule }) => rule === 'capability-opens')).toMatchObject([
    { message: 'in containers with CAP_SYS_ADMIN more passes: mount' },
    { message: 'in containers with CAP_BPF and CAP_SYS_ADMIN more passes: bpf' },
  ]);
});

it('judges what passes on older kernels alone, and names them', () => {
  const rule = { ...allow('ptrace'), excludes: { minKernel: '5.10' } };
  const risky = (target: Target) =>
    lintOf(deny(rule), { target }).filter((one) => one.rule === 'risky-call');
  expect(risky('docker')).toMatchObject([
    { severity: 'high', call: 'ptrace', message: 'ptrace passes, on kernels before 5.10' },
  ]);
  // Podman reads no minKernel: the rule holds on every kernel, and so is another finding.
  const [always] = risky('podman');
  expect(always).toMatchObject({ message: 'ptrace passes' });
  expect(always?.fingerprint).not.toBe(risky('docker')[0]?.fingerprint);
});

it('judges the rules for a machine that only their gates name', () => {
  const profile = deny({ ...allow('ptrace'), includes: { arches: ['arm64'] } });
  const found = lintOf(profile, { target: 'docker' });
  const risky = found.filter(({ rule, abi }) => rule === 'risky-call' && abi === 'aarch64');
  expect(risky).toMatchObject([{ call: 'ptrace' }]);
});

it('knows the upper half of the first argument of ipc, which the kernel does not look at', () => {
  const bounded = with32(permit(refuse('ipc', 1, cmp(0, 'EQ', 23)), refuse('shmget', 1)));
  expect(lintOf(bounded).find(({ rule }) => rule === 'ipc-open')).toMatchObject({
    message: expect.stringContaining('the rules for shmget:'),
  });
  const whole = with32(permit(refuse('ipc', 1, masked(0, 0xffff, 23)), refuse('shmget', 1)));
  expect(lintOf(whole).find(({ rule }) => rule === 'ipc-open')).toBeUndefined();
});

it('finds rules at odds under a capability alone, as grave as others', () => {
  const profile = deny(
    { ...refuse('mount', 13), includes: { caps: ['CAP_SYS_ADMIN'] } },
    { ...allow('mount'), includes: { caps: ['CAP_SYS_ADMIN'] } },
  );
  expect(lintOf(profile).find(({ rule }) => rule === 'rule-shadowed')).toMatchObject({
    severity: 'medium',
    message: expect.stringMatching(/, in containers with CAP_SYS_ADMIN$/),
  });
});

it('says when nothing of what passes could be judged', () => {
  const profile = deny(allow('ptrace'), refuse('write', 4095));
  const found = lintOf(profile);
  expect(found.filter(({ rule }) => rule === 'runtime-refuses')).toHaveLength(2);
  expect(found[0]).toMatchObject({
    rule: 'runtime-refuses',
    reason: expect.stringContaining('What passes was not judged'),
  });
  expect(found.some(({ rule }) => rule === 'risky-call')).toBe(false);
});

it('judges a profile that crun refuses by the other runtime', () => {
  const found = lintOf(deny({ ...allow('ptrace'), errnoRet: 1 }));
  expect(found.map(({ rule }) => rule)).toEqual(
    expect.arrayContaining(['errno-on-other-action', 'risky-call']),
  );
  expect(found.map(({ rule }) => rule)).not.toContain('runtime-refuses');
});

it('tells of the evidence who needs the call', () => {
  const found = lintOf(deny(allow('ptrace')), { evidence: evidenceOf({ ptrace: 'a debugger' }) });
  expect(found.find(({ rule }) => rule === 'risky-call')?.evidence).toEqual({
    why: ['observed'],
    executables: ['/usr/bin/gdb'],
    phases: ['steady'],
    justification: 'a debugger',
  });
});

describe('the engines’ defaults', () => {
  const newest = (engine: string) =>
    decodeDefaults(DEFAULTS).findLast((entry) => entry.engine === engine)?.profile as GatedProfile;
  const found = (engine: string, target: Target | null) =>
    lint({
      profile: { format: 'gated', value: newest(engine) },
      places: () => null,
      evidence: null,
      target,
      resolves: null,
    });
  const about = (findings: readonly Finding[], severity: string) => [
    ...new Set(
      findings
        .filter((finding) => finding.severity === severity)
        .map(({ rule, call }) => `${rule} ${call}`),
    ),
  ];

  it('of Docker: ptrace and its like, and sockets past their rule', () => {
    const findings = found('docker', 'docker');
    expect(about(findings, 'high').sort()).toEqual([
      'risky-call process_vm_readv',
      'risky-call process_vm_writev',
      'risky-call ptrace',
      'truncation-bypass socket',
    ]);
    // clone is masked, and clone3 is answered ENOSYS.
    expect(about(findings, 'medium')).not.toContain('user-namespace-open clone');
  });

  it('of Docker under containerd: gates that are none, and user namespaces', () => {
    expect(about(found('docker', 'containerd'), 'high')).toEqual(
      expect.arrayContaining([
        'gate-ignored null',
        'user-namespace-open clone',
        'user-namespace-open unshare',
        'rule-shadowed clone3',
      ]),
    );
  });

  it('of Podman: user namespaces, and its rule on audit sockets', () => {
    expect(about(found('podman', 'podman'), 'high')).toEqual(
      expect.arrayContaining([
        'user-namespace-open clone',
        'user-namespace-open clone3',
        'truncation-bypass socket',
        'rule-shadowed setns',
      ]),
    );
  });
});

describe('on random profiles', () => {
  const run = (profile: LintInput['profile'], target: Target | null) =>
    lint({
      profile,
      places: (path) => ({ file: 'f', line: path.length + 1, column: 1 }),
      evidence: null,
      target,
      resolves: (name) => name !== 'statx',
    });
  const targets = fc.constantFrom(null, 'docker', 'podman', 'containerd', 'cri-o', 'spo' as const);

  it('never throws, and every witness of a call that passes does pass', () => {
    let witnesses = 0;
    fc.assert(
      fc.property(SAMPLES, targets, ({ profile }, target) => {
        const policies = (['runc', 'crun'] as const).flatMap((runtime) =>
          policyIn(profile, runtime),
        );
        for (const { rule, message, witness } of run({ format: 'oci', value: profile }, target)) {
          if (witness === null || !OF_WHAT_PASSES.test(rule)) continue;
          witnesses += 1;
          const args = witness.args.map(BigInt);
          const call = { arch: witness.arch, nr: witness.nr, args };
          const passing = policies.filter((policy) => passes(policy, call));
          expect([rule, passing.length > 0]).toEqual([rule, true]);
          if (rule !== 'truncation-bypass') continue;
          // Which argument it is about the message says.
          const index = Number(/argument (\d)/.exec(message)?.[1]);
          const low = args.map((value, at) => (at === index ? value & 0xffffffffn : value));
          const shut = passing.some((policy) => !passes(policy, { ...call, args: low }));
          expect(shut).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
    expect(witnesses).toBeGreaterThan(0);
  });

  const OF_WHAT_PASSES = /(?<!equivalent)-open$|-bypass$|^risky-call$|^socket-domains$/;
  const passes = (policy: Policy, call: Call) => {
    const { action } = answerOf(policy, call);
    return action === 'allow' || action === 'log';
  };

  function policyIn(profile: Profile, runtime: 'runc' | 'crun') {
    const arm = profile.architectures.every((arch) => /AARCH64|ARM$/.test(arch));
    const machine = profile.architectures.length > 0 && arm ? 'aarch64' : 'x86_64';
    try {
      return [policyOfProfile(profile, { runtime, machine, asWritten: true })];
    } catch {
      return [];
    }
  }

  it('never throws on gated ones', () => {
    const gate = fc.record({
      caps: fc.subarray(['CAP_SYS_ADMIN', 'CAP_BPF', 'not a capability']),
      arches: fc.subarray(['amd64', 'arm64', 's390x']),
      minKernel: fc.constantFrom(undefined, [4, 8] as const, [0, 0] as const),
    });
    const extra = fc.record({
      includes: gate,
      excludes: gate,
      errno: fc.constantFrom(undefined, '', 'ENOSYS', '99999'),
    });
    fc.assert(
      fc.property(
        SAMPLES,
        fc.array(extra, { minLength: 8, maxLength: 8 }),
        fc.boolean(),
        targets,
        ({ profile }, extras, mapped, target) => {
          const { architectures, syscalls, ...rest } = profile;
          const value: GatedProfile = {
            ...rest,
            architectures: mapped ? [] : architectures,
            archMap: mapped
              ? [
                  { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
                  { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
                ]
              : [],
            flags: [],
            listenerPath: '',
            listenerMetadata: '',
            syscalls: syscalls.map((rule, at) => ({
              ...rule,
              ...(extras[at] as (typeof extras)[0]),
            })),
          };
          run({ format: 'gated', value }, target);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('gives the same fingerprints, each once, however the text is laid out', () => {
    fc.assert(
      fc.property(SAMPLES, ({ profile }) => {
        const text = (indent: number) =>
          JSON.stringify(
            profile,
            (_, value) => (typeof value === 'bigint' ? Number(value & 0xffffffffn) : value),
            indent,
          );
        const prints = (indent: number) =>
          lintText(text(indent)).map(({ fingerprint }) => fingerprint);
        const narrow = prints(1);
        expect(prints(4)).toEqual(narrow);
        expect(new Set(narrow).size).toBe(narrow.length);
      }),
      { numRuns: 40 },
    );
  });
});

it('reads every gate and field of the engines’ formats', () => {
  for (const target of ['docker', 'podman', 'containerd', 'cri-o', 'spo'] as const) {
    expect(lintOf(gatedSample() as object, { target }).length).toBeGreaterThan(0);
  }
});
