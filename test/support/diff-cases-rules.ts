/** Cases of `diff` about entries: their order, conditions, and which of several holds. */
import {
  allow,
  both,
  cmp,
  type DiffCase,
  document,
  eq,
  errno,
  masked,
  plain,
  row,
} from './diff-case';
import { json, sideOf } from './sides';

const U64 = 0xffff_ffff_ffff_ffffn;

const TEXT: readonly DiffCase[] = [
  {
    name: 'the same bytes',
    before: plain([allow('write')]),
    after: plain([allow('write')]),
    verdict: 'identical',
    findings: [],
    contexts: { 'in every context': 'identical' },
  },
  {
    name: 'the same bytes, of which nobody can say what they mean',
    before: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1))]),
    after: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1))]),
    verdict: 'identical',
    findings: [],
    unjudged: 'nothing to judge',
  },
  {
    name: 'other white space',
    before: sideOf(json(document([allow('write')]))),
    after: sideOf(`${json(document([allow('write')])).replaceAll('\n', ' \n\n')}\n`),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'other order of keys',
    before: plain([{ names: ['write'], action: 'SCMP_ACT_ALLOW', args: [eq(0, 1)] }]),
    after: plain([{ args: [eq(0, 1)], action: 'SCMP_ACT_ALLOW', names: ['write'] }]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'entries in another order',
    before: plain([allow('write', eq(0, 1)), allow('close'), errno(38, 'clone3')]),
    after: plain([errno(38, 'clone3'), allow('close'), allow('write', eq(0, 1))]),
    verdict: 'equivalent',
    findings: [],
    contexts: { 'in every context': 'equivalent' },
  },
  {
    name: 'names in other groups',
    before: plain([allow('write close'), allow('fstat lseek')]),
    after: plain([allow('write'), allow('lseek close fstat')]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'alternatives of a call in another order',
    before: plain([
      allow('socket', eq(0, 1)),
      allow('socket', eq(0, 2)),
      allow('socket', eq(0, 10)),
    ]),
    after: plain([
      allow('socket', eq(0, 10)),
      allow('socket', eq(0, 2)),
      allow('socket', eq(0, 1)),
    ]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'conditions of an entry in another order',
    before: plain([allow('socket', eq(0, 2), eq(1, 1))]),
    after: plain([allow('socket', eq(1, 1), eq(0, 2))]),
    verdict: 'equivalent',
    findings: [],
  },
];

const INDEXES: readonly DiffCase[] = [
  {
    name: 'two conditions on one index are two alternatives, as in two entries',
    before: plain([allow('socket', eq(0, 1), eq(0, 2))]),
    after: plain([allow('socket', eq(0, 1)), allow('socket', eq(0, 2))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'two conditions on one index are not ANDed: an entry that nothing fulfils lets both pass',
    before: plain([]),
    after: plain([allow('socket', eq(0, 1), eq(0, 2))]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'socket',
        added: ['domain AF_UNIX or AF_INET'],
        severity: 'low',
      },
    ],
  },
  {
    name: '"not 38" and "not 40" on one index refuse nothing',
    before: plain([allow('socket', cmp(0, 'NE', 38), cmp(0, 'NE', 40))]),
    after: plain([allow('socket', cmp(0, 'NE', 38))]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'socket', removed: ['domain AF_ALG'] }],
  },
  {
    name: '"not 38 and not 40" as ranges does refuse both',
    before: plain([allow('socket')]),
    after: plain([
      allow('socket', cmp(0, 'LT', 38)),
      allow('socket', eq(0, 39)),
      allow('socket', cmp(0, 'GT', 40)),
    ]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'socket', removed: ['domain AF_ALG or AF_VSOCK'] }],
  },
  {
    name: 'an index given twice frees the condition on another index too',
    before: plain([allow('socket', eq(0, 2), eq(1, 1)), allow('socket', eq(0, 10), eq(1, 1))]),
    after: plain([allow('socket', eq(0, 2), eq(0, 10), eq(1, 1))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'socket', severity: 'medium' }],
  },
  {
    name: 'a seventh condition: runc makes alternatives of all, crun reads the six before it',
    before: plain([allow('futex', eq(0, 1), eq(1, 2), eq(2, 3), eq(3, 4), eq(4, 5), eq(5, 6))]),
    after: plain([
      allow('futex', eq(0, 1), eq(1, 2), eq(2, 3), eq(3, 4), eq(4, 5), eq(5, 6), eq(0, 9)),
    ]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'futex', contexts: ['under runc'] }],
    contexts: { 'under runc': 'widens', 'under crun': 'equivalent' },
  },
  {
    name: 'seven alternatives in one entry: crun loses the last',
    before: plain([1, 2, 3, 4, 5, 6, 7].map((value) => allow('write', eq(0, value)))),
    after: plain([allow('write', ...[1, 2, 3, 4, 5, 6, 7].map((value) => eq(0, value)))]),
    verdict: 'narrows',
    findings: [
      { rule: 'call-narrowed', call: 'write', removed: ['args[0] 0x7'], contexts: ['under crun'] },
    ],
    contexts: { 'under crun': 'narrows', 'under runc': 'equivalent' },
  },
  {
    name: 'six alternatives in one entry are read by both',
    before: plain([1, 2, 3, 4, 5, 6].map((value) => allow('write', eq(0, value)))),
    after: plain([allow('write', ...[1, 2, 3, 4, 5, 6].map((value) => eq(0, value)))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'two entries become one that asks both conditions',
    before: plain([allow('write', eq(0, 1)), allow('write', eq(1, 1))]),
    after: plain([allow('write', eq(0, 1), eq(1, 1))]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'write', before: 'allow', after: 'errno EPERM' }],
  },
];

const VALUES: readonly DiffCase[] = [
  {
    name: 'a mask of all but two bits against the four values it leaves',
    before: plain([allow('write', masked(0, U64 - 3n, 4))]),
    after: plain([4, 5, 6, 7].map((value) => allow('write', eq(0, value)))),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'a mask of 32 bits leaves the upper half free, where a list of values does not',
    before: plain([allow('write', masked(0, 0xffff_fffc, 4))]),
    after: plain([4, 5, 6, 7].map((value) => allow('write', eq(0, value)))),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'write' }],
  },
  {
    name: 'on i386 the same mask and list are alike',
    before: plain([allow('chown32', masked(0, 0xffff_fffc, 4))], {
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    }),
    after: plain(
      [4, 5, 6, 7].map((value) => allow('chown32', eq(0, value))),
      { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] },
    ),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'bits outside the mask do not count',
    before: plain([allow('write', masked(0, 0xf0, 0x1f))]),
    after: plain([allow('write', masked(0, 0xf0, 0x10))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'an empty mask asks nothing',
    before: plain([allow('write', masked(0, 0, 0))]),
    after: plain([allow('write')]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'less than 3 against 0, 1 and 2',
    before: plain([allow('write', cmp(0, 'LT', 3))]),
    after: plain([0, 1, 2].map((value) => allow('write', eq(0, value)))),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'greater than all but the last two values against those',
    before: plain([allow('write', cmp(0, 'GT', U64 - 2n))]),
    after: plain([allow('write', eq(0, U64 - 1n)), allow('write', eq(0, U64))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'at most 2^32 - 1 against less than 2^32',
    before: plain([allow('write', cmp(2, 'LE', 0xffff_ffffn))]),
    after: plain([allow('write', cmp(2, 'LT', 0x1_0000_0000n))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'less than becomes at most',
    before: plain([allow('write', cmp(2, 'LT', 0x1000))]),
    after: plain([allow('write', cmp(2, 'LE', 0x1000))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'write', added: ['args[2] 0x1000'] }],
  },
  {
    name: 'not 5 against less and greater than 5',
    before: plain([allow('write', cmp(0, 'NE', 5))]),
    after: plain([allow('write', cmp(0, 'LT', 5)), allow('write', cmp(0, 'GT', 5))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'at least 0 is always',
    before: plain([allow('write', cmp(0, 'GE', 0))]),
    after: plain([allow('write')]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'valueTwo says nothing but under MASKED_EQ',
    before: plain([allow('write', { ...eq(0, 5), valueTwo: 9 })]),
    after: plain([allow('write', eq(0, 5))]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'x86_64 compares 64 bits, i386 the lower 32',
    before: both([]),
    after: both([allow('write', eq(2, 0x1_0000_0001n))]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'write', added: ['args[2] 0x100000001'] },
      { rule: 'call-widened', abi: 'i386', call: 'write', added: ['args[2] 0x1'] },
    ],
  },
  {
    name: 'an upper half added to a value: another one on x86_64, the same on i386',
    before: both([allow('write', eq(2, 1))]),
    after: both([allow('write', eq(2, 0x1_0000_0001n))]),
    verdict: 'mixed',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'write', added: ['args[2] 0x100000001'] },
      { rule: 'call-narrowed', abi: 'x86_64', call: 'write', removed: ['args[2] 0x1'] },
    ],
    contexts: { 'in every context': 'mixed' },
  },
  {
    name: 'a value above 2^53 is read exactly',
    before: plain([allow('write', eq(0, 0x20_0000_0000_0001n))]),
    after: plain([allow('write', eq(0, 0x20_0000_0000_0000n))]),
    verdict: 'mixed',
    findings: [
      { rule: 'call-widened', call: 'write', added: ['args[0] 0x20000000000000'] },
      { rule: 'call-narrowed', call: 'write', removed: ['args[0] 0x20000000000001'] },
    ],
  },
];

const SHADOWS: readonly DiffCase[] = [
  {
    name: 'an unconditional rule added after a conditional one erases it',
    before: plain([allow('socket', eq(0, 1))]),
    after: plain([allow('socket', eq(0, 1)), allow('socket')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'socket', severity: 'medium' },
      { rule: 'rule-shadowed', call: 'socket', effect: 'none' },
    ],
  },
  {
    name: 'an unconditional rule added before a conditional one erases it too',
    before: plain([errno(13, 'socket', eq(0, 38))]),
    after: plain([allow('socket'), errno(13, 'socket', eq(0, 38))]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'socket', values: null },
      { rule: 'rule-shadowed', call: 'socket', severity: 'medium', reason: /erase/ },
    ],
  },
  {
    name: 'a conditional rule under an unconditional one has no effect',
    before: plain([allow('socket')]),
    after: plain([allow('socket'), errno(13, 'socket', eq(0, 38))]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-shadowed', call: 'socket', effect: 'none', severity: 'medium' }],
  },
  {
    name: 'of two unconditional rules the first wins',
    before: plain([allow('socket')]),
    after: plain([allow('socket'), errno(13, 'socket')]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-shadowed', call: 'socket', severity: 'medium', reason: /first/ }],
  },
  {
    name: 'two unconditional rules in the other order',
    before: plain([errno(13, 'socket'), allow('socket')]),
    after: plain([allow('socket'), errno(13, 'socket')]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'socket',
        values: null,
        before: 'errno EACCES',
        after: 'allow',
      },
      { rule: 'rule-shadowed', call: 'socket' },
    ],
  },
  {
    name: 'an entry twice',
    before: plain([allow('write')]),
    after: plain([allow('write'), allow('write')]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-duplicate', call: 'write', severity: 'note', effect: 'none' }],
  },
  {
    name: 'an alternative twice',
    before: plain([allow('write', eq(0, 1)), allow('write', eq(0, 2))]),
    after: plain([allow('write', eq(0, 1)), allow('write', eq(0, 2)), allow('write', eq(0, 1))]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-duplicate', call: 'write' }],
  },
  {
    name: 'what was twice before is no finding',
    before: plain([allow('write'), allow('write')]),
    after: plain([allow('write'), allow('close'), allow('write')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'close' }],
  },
  {
    name: 'an alternative that another one covers',
    before: plain([allow('write', cmp(0, 'LT', 8))]),
    after: plain([allow('write', cmp(0, 'LT', 8)), allow('write', eq(0, 3))]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-without-effect', call: 'write', severity: 'note' }],
  },
  {
    name: 'a denial that equals the default takes nothing back from an allowing rule',
    before: plain([allow('clone')]),
    after: plain([allow('clone'), errno(1, 'clone', masked(0, 0x1000_0000, 0x1000_0000))]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-without-effect', call: 'clone', severity: 'medium' }],
  },
  {
    name: 'a rule removed that equals the default',
    before: plain([errno(1, 'ptrace')]),
    after: plain([]),
    verdict: 'equivalent',
    findings: [],
  },
  {
    name: 'a denial added for what the default denies',
    before: plain([]),
    after: plain([errno(1, 'ptrace')]),
    verdict: 'equivalent',
    findings: [{ rule: 'rule-without-effect', effect: 'none', severity: 'note' }],
  },
  {
    name: 'a denial that was without effect becomes one under another default',
    before: plain([allow('ptrace'), errno(1, 'bpf')]),
    after: plain([allow('ptrace'), errno(1, 'bpf')], { defaultAction: 'SCMP_ACT_KILL' }),
    verdict: 'equivalent',
    among: [{ rule: 'default-changed', effect: 'denial', abi: 'x86_64' }],
  },
  {
    name: 'a conditional denial with another errno than the default',
    before: plain([]),
    after: plain([errno(13, 'ptrace', eq(0, 0))]),
    verdict: 'equivalent',
    findings: [
      {
        rule: 'denial-changed',
        call: 'ptrace',
        added: ['request PTRACE_TRACEME'],
        before: 'errno EPERM',
        after: 'errno EACCES',
      },
    ],
  },
];

const REFUSED: readonly DiffCase[] = [
  {
    name: 'rules that overlap with different answers cannot be decided',
    before: plain([allow('write', eq(0, 1))]),
    after: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1))]),
    verdict: { refused: 'rules-undecided' },
  },
  {
    name: 'the same where it is the old side',
    before: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1))]),
    after: plain([allow('write', eq(0, 1))]),
    verdict: { refused: 'rules-undecided' },
  },
  {
    name: 'undecided rules that both sides have are no verdict either',
    before: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1))]),
    after: plain([allow('write', eq(0, 1)), errno(13, 'write', eq(1, 1)), allow('close')]),
    verdict: { refused: 'rules-undecided' },
  },
  {
    name: 'an architecture without a table',
    before: plain([]),
    after: plain([], { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_RISCV64'] }),
    verdict: { refused: 'architecture-without-table' },
  },
  {
    name: 'an errno on an allowing rule: crun refuses it, runc does not read it',
    before: plain([allow('write')]),
    after: plain([{ ...allow('write'), errnoRet: 1 }]),
    verdict: 'equivalent',
    findings: [
      { rule: 'runtime-refuses', severity: 'high', effect: 'none', message: /^crun .* new/ },
    ],
  },
  {
    name: 'the same removed',
    before: plain([{ ...allow('write'), errnoRet: 1 }]),
    after: plain([allow('write'), allow('close')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'close' },
      { rule: 'runtime-refuses', severity: 'low', message: /^crun .* old/ },
    ],
  },
  {
    name: 'NOTIFY as the default: runc refuses both sides, crun compares',
    before: plain([], { defaultAction: 'SCMP_ACT_NOTIFY' }),
    after: plain([allow('close')], { defaultAction: 'SCMP_ACT_NOTIFY' }),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'close', before: 'notify', after: 'allow' },
      { rule: 'runtime-refuses', severity: 'low', message: /^runc .* old/ },
      { rule: 'runtime-refuses', severity: 'high', message: /^runc .* new/ },
    ],
    unjudged: 'compile refuses what runc refuses',
  },
  {
    name: 'NOTIFY on write: runc refuses it',
    before: plain([]),
    after: plain([row('NOTIFY', 'write')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'write', after: 'notify' },
      { rule: 'runtime-refuses', severity: 'high', message: /^runc .* new/ },
    ],
    unjudged: 'compile refuses what runc refuses',
  },
  {
    name: 'a side that neither runtime installs',
    before: plain([]),
    after: plain([{ ...allow('write'), errnoRet: 1 }], { defaultAction: 'SCMP_ACT_NOTIFY' }),
    verdict: { refused: 'profile-refused' },
  },
  {
    name: 'an errno beyond what libseccomp takes',
    before: plain([]),
    after: plain([errno(4095, 'write')]),
    verdict: { refused: 'profile-refused' },
  },
];

export const RULE_CASES: readonly DiffCase[] = [
  ...TEXT,
  ...INDEXES,
  ...VALUES,
  ...SHADOWS,
  ...REFUSED,
];
