/** Cases of `diff` about single calls: what their arguments mean, risk, CVEs, evidence. */
import { parseEvidence } from '../../src/profile';
import { allow, both, type DiffCase, document, eq, errno, masked, plain } from './diff-case';
import { json, sideOf } from './sides';

const NAMESPACES = 0x7e02_0000;
const NEWUSER = 0x1000_0000;

const ARGUMENTS: readonly DiffCase[] = [
  {
    name: 'socket AF_NETLINK added',
    before: plain([allow('socket', eq(0, 1))]),
    after: plain([allow('socket', eq(0, 1)), allow('socket', eq(0, 16))]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'socket',
        severity: 'medium',
        added: ['domain AF_NETLINK'],
        reason: /rarely used/,
        line: 30,
      },
    ],
  },
  {
    name: 'socket AF_NETLINK removed',
    before: plain([allow('socket', eq(0, 1)), allow('socket', eq(0, 16))]),
    after: plain([allow('socket', eq(0, 1))]),
    verdict: 'narrows',
    findings: [
      {
        rule: 'call-narrowed',
        call: 'socket',
        severity: 'low',
        removed: ['domain AF_NETLINK'],
        line: 30,
      },
    ],
  },
  {
    name: 'socket AF_INET added is nothing special',
    before: plain([allow('socket', eq(0, 1))]),
    after: plain([allow('socket', eq(0, 1)), allow('socket', eq(0, 2))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', severity: 'low', added: ['domain AF_INET'] }],
  },
  {
    name: 'one domain on i386 opens socketcall for every domain, which lies behind a pointer',
    before: both([]),
    after: both([allow('socket', eq(0, 1))]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'socket', severity: 'low' },
      { rule: 'call-widened', abi: 'i386', call: 'socket', severity: 'low' },
      {
        rule: 'call-widened',
        abi: 'i386',
        call: 'socketcall',
        severity: 'medium',
        added: ['args[0] 0x1'],
      },
    ],
  },
  {
    name: 'a second domain opens nothing more of socketcall',
    before: both([allow('socket', eq(0, 1))]),
    after: both([allow('socket', eq(0, 1)), allow('socket', eq(0, 16))]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'socket', added: ['domain AF_NETLINK'] },
      { rule: 'call-widened', abi: 'i386', call: 'socket', added: ['domain AF_NETLINK'] },
    ],
  },
  {
    name: 'connect without its condition, on i386',
    before: both([]),
    after: both([allow('connect')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'connect' },
      { rule: 'call-widened', abi: 'i386', call: 'connect' },
      {
        rule: 'call-widened',
        abi: 'i386',
        call: 'socketcall',
        added: ['args[0] 0x3'],
        severity: 'low',
      },
    ],
  },
  {
    name: 'socketcall by name lets every code pass',
    before: both([allow('connect')]),
    after: both([allow('connect socketcall')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', abi: 'i386', call: 'socketcall', severity: 'medium' }],
  },
  {
    name: 'a semaphore call on i386 comes through ipc as well',
    before: both([]),
    after: both([allow('semget')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'semget' },
      { rule: 'call-widened', abi: 'i386', call: 'semget' },
      { rule: 'call-widened', abi: 'i386', call: 'ipc', added: ['args[0] 0x2'] },
    ],
  },
  {
    name: 'clone without its mask',
    before: plain([allow('clone', masked(0, NAMESPACES, 0))]),
    after: plain([allow('clone')]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'clone',
        severity: 'high',
        reason: /user namespaces/,
        added: [
          'flags with any of CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET',
        ],
      },
    ],
  },
  {
    name: 'clone with CLONE_NEWUSER taken out of the mask',
    before: plain([allow('clone', masked(0, NAMESPACES, 0))]),
    after: plain([allow('clone', masked(0, NAMESPACES - NEWUSER, 0))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'clone', severity: 'high' }],
  },
  {
    name: 'clone with another namespace than a user namespace',
    before: plain([allow('clone', masked(0, NAMESPACES, 0))]),
    after: plain([
      allow('clone', masked(0, NAMESPACES, 0)),
      allow('clone', masked(0, NAMESPACES, 0x4000_0000)),
    ]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'clone', severity: 'medium', reason: /namespaces/ }],
  },
  {
    name: 'clone for threads and processes alone',
    before: plain([]),
    after: plain([allow('clone', masked(0, NAMESPACES, 0))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'clone', reason: /published exploit/ }],
  },
  {
    name: 'mmap loses memory that is writable and executable',
    before: plain([allow('mmap')]),
    after: plain([
      allow('mmap', masked(2, 6, 0)),
      allow('mmap', masked(2, 6, 2)),
      allow('mmap', masked(2, 6, 4)),
    ]),
    verdict: 'narrows',
    findings: [
      { rule: 'call-narrowed', call: 'mmap', removed: ['prot with PROT_WRITE and PROT_EXEC'] },
    ],
  },
  {
    name: 'personality with ADDR_NO_RANDOMIZE',
    before: plain([allow('personality', eq(0, 0))]),
    after: plain([allow('personality', eq(0, 0)), allow('personality', eq(0, 0x4_0000))]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'personality', severity: 'medium', reason: /tier 3/ }],
  },
  {
    name: 'ioctl without TIOCSTI',
    before: plain([allow('ioctl')]),
    after: plain([allow('ioctl', { index: 1, op: 'SCMP_CMP_NE', value: 0x5412 })]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'ioctl', removed: ['request TIOCSTI'] }],
  },
  {
    name: 'clone3, whose flags no filter sees',
    before: plain([allow('clone', masked(0, NAMESPACES, 0)), errno(38, 'clone3')]),
    after: plain([allow('clone', masked(0, NAMESPACES, 0)), allow('clone3')]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'clone3',
        severity: 'high',
        before: 'errno ENOSYS',
        reason: /user namespaces/,
      },
    ],
  },
  {
    name: 'mmap of i386 finds its arguments behind a pointer',
    before: both([]),
    after: both([allow('mmap', masked(2, 6, 6))]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        abi: 'x86_64',
        call: 'mmap',
        added: ['prot with PROT_WRITE and PROT_EXEC'],
      },
      { rule: 'call-widened', abi: 'i386', call: 'mmap', message: /args\[2\]/ },
    ],
  },
  {
    name: 'exit_group removed',
    before: plain([allow('exit_group')]),
    after: plain([]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'exit_group', severity: 'high' }],
  },
  {
    name: 'execve removed',
    before: plain([allow('execve')]),
    after: plain([]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'execve', severity: 'high', reason: /container/ }],
  },
];

const CVES: readonly DiffCase[] = [
  {
    name: 'unshare opens what needs a user namespace',
    before: plain([allow('clone', masked(0, NAMESPACES, 0)), errno(38, 'clone3')]),
    after: plain([allow('clone', masked(0, NAMESPACES, 0)), errno(38, 'clone3'), allow('unshare')]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', call: 'unshare', severity: 'high', opens: ['CVE-2013-1956'] },
    ],
  },
  {
    name: 'unshare opens nothing of it where clone was open already',
    before: plain([allow('clone'), errno(38, 'clone3')]),
    after: plain([allow('clone'), errno(38, 'clone3'), allow('unshare')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'unshare', severity: 'high' }],
    neither: ['CVE-2013-1956'],
  },
  {
    name: 'nor where clone3 was',
    before: plain([allow('clone3')]),
    after: plain([allow('clone3'), allow('unshare')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'unshare' }],
    neither: ['CVE-2013-1956'],
  },
  {
    name: 'the last of several ways closed',
    before: plain([allow('unshare')]),
    after: plain([]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'unshare', closes: ['CVE-2013-1956'] }],
  },
  {
    name: 'one of several ways closed closes nothing',
    before: plain([allow('unshare clone')]),
    after: plain([allow('clone')]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'unshare' }],
    neither: ['CVE-2013-1956'],
  },
  {
    name: 'clone with CLONE_NEWUSER is such a way, clone with other flags is none',
    before: plain([allow('clone', masked(0, NEWUSER, 0))]),
    after: plain([allow('clone')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'clone', severity: 'high', opens: ['CVE-2013-1956'] }],
  },
  {
    name: 'a call refused on x86_64 and open on i386 is open',
    before: both([allow('modify_ldt')]),
    after: plain([allow('modify_ldt')]),
    verdict: 'narrows',
    among: [{ rule: 'architecture-removed', abi: 'i386', effect: 'narrows' }],
    neither: ['CVE-2015-3290'],
  },
];

const call = (name: string, why: string[], executables: string[] = [], phases: string[] = []) => ({
  abi: 'x86_64',
  name,
  action: 'SCMP_ACT_ALLOW',
  errnoRet: null,
  why,
  executables,
  phases,
});

function evidenced(
  rows: readonly object[],
  calls: readonly object[],
  justifications: Record<string, string> = {},
) {
  const text = json({ version: 2, calls, excluded: [], justifications });
  return sideOf(document(rows), { evidence: parseEvidence(text, 'app.evidence.json') });
}

const EVIDENCE: readonly DiffCase[] = [
  {
    name: 'who made the call and when stands beside what it opens',
    before: plain([]),
    after: evidenced(
      [allow('write')],
      [call('write', ['observed'], ['/usr/sbin/nginx'], ['startup', 'steady'])],
    ),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'write',
        executables: ['/usr/sbin/nginx'],
        phases: ['startup', 'steady'],
      },
    ],
  },
  {
    name: 'a justification stands beside what it is for',
    before: plain([]),
    after: evidenced([allow('bpf')], [], { bpf: 'loads its own programs' }),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'bpf',
        severity: 'high',
        justification: 'loads its own programs',
      },
    ],
  },
  {
    name: 'evidence that does not name what it should explain',
    before: plain([]),
    after: evidenced([allow('write')], [call('read', ['observed'])]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'write', reason: /evidence .* does not name it/ }],
  },
  {
    name: 'something is taken away that the application was seen to use',
    before: evidenced([allow('write')], [call('write', ['observed'], ['/bin/app'], ['steady'])]),
    after: plain([]),
    verdict: 'narrows',
    findings: [
      {
        rule: 'call-narrowed',
        call: 'write',
        severity: 'medium',
        reason: /application was seen/,
        executables: ['/bin/app'],
      },
    ],
  },
  {
    name: 'something is taken away that a runtime uses',
    before: evidenced([allow('prctl')], [call('prctl', ['runtime'])]),
    after: plain([]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', severity: 'medium', reason: /runtime/ }],
  },
  {
    name: 'something is taken away that was there for a fallback',
    before: evidenced([allow('openat2')], [call('openat2', ['equivalent'])]),
    after: plain([]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', severity: 'low' }],
  },
];

export const CALL_CASES: readonly DiffCase[] = [...ARGUMENTS, ...CVES, ...EVIDENCE];
