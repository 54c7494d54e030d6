/** Cases of `diff` about gates, engines, options and live processes. */
import type { FilterSide, Live, UnfilteredSide } from '../../src/diff';
import { type CompileOptions, compile } from '../../src/libseccomp';
import { policyOfPrograms } from '../../src/policy';
import { parseProfile } from '../../src/profile';
import {
  allow,
  both,
  type DiffCase,
  DOCKER,
  document,
  errno,
  gated,
  I386,
  PODMAN,
  plain,
  X86_64,
} from './diff-case';
import { json } from './sides';

const GATED = 'gates are resolved before a filter is compiled';

interface Gates {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

const including = (entry: object, includes: Gates): object => ({ ...entry, includes });
const excluding = (entry: object, excludes: Gates): object => ({ ...entry, excludes });

const ADMIN = { caps: ['CAP_SYS_ADMIN'] };
const mount = allow('mount');
const ptrace = allow('ptrace');

const CAPABILITIES: readonly DiffCase[] = [
  {
    name: 'a gate on CAP_SYS_ADMIN falls away',
    before: gated([including(mount, ADMIN)]),
    after: gated([mount]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'mount',
        severity: 'high',
        contexts: ['without CAP_SYS_ADMIN'],
      },
    ],
    contexts: { 'without CAP_SYS_ADMIN': 'widens', 'with CAP_SYS_ADMIN': 'equivalent' },
    unjudged: GATED,
  },
  {
    name: 'the same against a plain profile, as containerd reads the file',
    before: gated([including(mount, ADMIN)]),
    after: plain([mount]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'mount', contexts: ['without CAP_SYS_ADMIN'] }],
    unjudged: GATED,
  },
  {
    name: 'the same for a container that has the capability',
    before: gated([including(mount, ADMIN)]),
    after: gated([mount]),
    options: { capabilities: ['CAP_SYS_ADMIN'] },
    verdict: 'equivalent',
    findings: [],
    contexts: { 'in every context': 'equivalent' },
    unjudged: GATED,
  },
  {
    name: 'the same for a container without any',
    before: gated([including(mount, ADMIN)]),
    after: gated([mount]),
    options: { capabilities: [] },
    verdict: 'widens',
    findings: [{ rule: 'call-widened', contexts: ['in every context'] }],
    unjudged: GATED,
  },
  {
    name: 'a gate on a capability that containers have by default',
    before: gated([including(allow('chroot'), { caps: ['CAP_SYS_CHROOT'] })]),
    after: gated([allow('chroot')]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'chroot', contexts: ['without CAP_SYS_CHROOT'] }],
    unjudged: GATED,
  },
  {
    name: 'a rule excluded with a capability',
    before: gated([mount]),
    after: gated([excluding(mount, ADMIN)]),
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'mount', contexts: ['with CAP_SYS_ADMIN'] }],
    unjudged: GATED,
  },
  {
    name: 'includes asks for all capabilities',
    before: gated([including(mount, { caps: ['CAP_A', 'CAP_B'] })]),
    after: gated([including(mount, { caps: ['CAP_A'] })]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', contexts: ['with CAP_A and without CAP_B'] }],
    unjudged: GATED,
  },
  {
    name: 'excludes asks for any capability',
    before: gated([excluding(mount, { caps: ['CAP_A', 'CAP_B'] })]),
    after: gated([excluding(mount, { caps: ['CAP_A'] })]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', contexts: ['with CAP_B and without CAP_A'] }],
    unjudged: GATED,
  },
  {
    name: 'a gate moves from one capability to another',
    before: gated([including(allow('bpf'), ADMIN)]),
    after: gated([including(allow('bpf'), { caps: ['CAP_BPF'] })]),
    verdict: 'mixed',
    findings: [
      { rule: 'call-widened', contexts: ['with CAP_BPF and without CAP_SYS_ADMIN'] },
      { rule: 'call-narrowed', contexts: ['with CAP_SYS_ADMIN and without CAP_BPF'] },
    ],
    unjudged: GATED,
  },
  {
    name: "moby's clone3: ENOSYS without the capability, allowed with it",
    before: gated([excluding(errno(38, 'clone3'), ADMIN)]),
    after: gated([excluding(errno(38, 'clone3'), ADMIN), including(allow('clone3'), ADMIN)]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        call: 'clone3',
        before: 'errno EPERM',
        after: 'allow',
        contexts: ['with CAP_SYS_ADMIN'],
      },
    ],
    unjudged: GATED,
  },
  {
    name: 'the same gates, another order',
    before: gated([including(mount, ADMIN), excluding(ptrace, ADMIN)]),
    after: gated([excluding(ptrace, ADMIN), including(mount, ADMIN)]),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'a gate splits an entry in two that together are the old one',
    before: gated([mount]),
    after: gated([including(mount, ADMIN), excluding(mount, ADMIN)]),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: "runc's ENOSYS begins at a name that a gate decides over",
    before: gated([including(allow('futex_waitv'), { caps: ['CAP_SYS_CHROOT'] })]),
    after: gated([
      including(allow('futex_waitv'), { caps: ['CAP_SYS_CHROOT'] }),
      errno(1, 'memfd_secret'),
    ]),
    verdict: 'equivalent',
    findings: [
      {
        rule: 'enosys-boundary',
        effect: 'denial',
        contexts: ['under runc and without CAP_SYS_CHROOT'],
      },
      { rule: 'rule-without-effect', effect: 'none' },
    ],
    unjudged: GATED,
  },
];

const KERNELS: readonly DiffCase[] = [
  {
    name: 'a gate on the kernel falls away, read by Docker',
    before: gated([including(ptrace, { minKernel: '4.8' })]),
    after: gated([ptrace]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'ptrace', contexts: ['before kernel 4.8'] }],
    contexts: { 'before kernel 4.8': 'widens', 'on kernel 4.8 and later': 'equivalent' },
    unjudged: GATED,
  },
  {
    name: 'the same read by Podman, which does not look at it',
    before: gated([including(ptrace, { minKernel: '4.8' })], {}, PODMAN),
    after: gated([ptrace], {}, PODMAN),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'one file read by Docker and by Podman',
    before: gated([including(ptrace, { minKernel: '4.8' })], {}, DOCKER),
    after: gated([including(ptrace, { minKernel: '4.8' })], {}, PODMAN),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'ptrace', contexts: ['before kernel 4.8'] }],
    unjudged: GATED,
  },
  {
    name: '--kernel with a new one',
    before: gated([including(ptrace, { minKernel: '4.8' })]),
    after: gated([ptrace]),
    options: { kernelVersion: '6.1.0-13-amd64' },
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: '--kernel with an old one',
    before: gated([including(ptrace, { minKernel: '4.8' })]),
    after: gated([ptrace]),
    options: { kernelVersion: '4.7.10' },
    verdict: 'widens',
    findings: [{ rule: 'call-widened', contexts: ['in every context'] }],
    unjudged: GATED,
  },
  {
    name: 'a gate asks for a newer kernel',
    before: gated([including(ptrace, { minKernel: '4.8' })]),
    after: gated([including(ptrace, { minKernel: '5.6' })]),
    verdict: 'narrows',
    findings: [
      { rule: 'call-narrowed', contexts: ['on kernel 4.8 and later and before kernel 5.6'] },
    ],
    unjudged: GATED,
  },
  {
    name: '4.10 is newer than 4.8',
    before: gated([including(ptrace, { minKernel: '4.8' })]),
    after: gated([including(ptrace, { minKernel: '4.10' })]),
    options: { kernelVersion: '4.9' },
    verdict: 'narrows',
    findings: [{ rule: 'call-narrowed', call: 'ptrace' }],
    unjudged: GATED,
  },
  {
    name: 'a gate on a capability and a kernel keeps the kernel',
    before: gated([including(ptrace, { caps: ['CAP_SYS_PTRACE'], minKernel: '4.8' })]),
    after: gated([including(ptrace, { minKernel: '4.8' })]),
    verdict: 'widens',
    findings: [
      {
        rule: 'call-widened',
        contexts: ['on kernel 4.8 and later and without CAP_SYS_PTRACE'],
      },
    ],
    unjudged: GATED,
  },
];

const MAP = {
  architectures: undefined,
  archMap: [
    { architecture: X86_64, subArchitectures: [I386] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
};

const ENGINES: readonly DiffCase[] = [
  {
    name: 'archMap against architectures, on x86_64',
    before: gated([], MAP),
    after: both([]),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'archMap against architectures, on aarch64: there they are other ABIs',
    before: gated([], MAP),
    after: both([]),
    options: { machines: ['aarch64'] },
    verdict: 'mixed',
    among: [
      { rule: 'architecture-removed', abi: 'arm', effect: 'narrows' },
      { rule: 'architecture-added', abi: 'x86_64', effect: 'widens' },
      { rule: 'architecture-added', abi: 'i386', effect: 'widens' },
    ],
    unjudged: GATED,
  },
  {
    name: 'archMap loses a sub-architecture',
    before: gated([], { ...MAP, archMap: MAP.archMap.slice(0, 1) }),
    after: gated([], { ...MAP, archMap: [{ architecture: X86_64 }] }),
    verdict: 'narrows',
    among: [{ rule: 'architecture-removed', abi: 'i386', effect: 'narrows' }],
    unjudged: GATED,
  },
  {
    name: 'an entry for amd64 alone against one for all, on x86_64',
    before: gated([including(ptrace, { arches: ['amd64'] })]),
    after: gated([ptrace]),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'an entry for arm64 alone against one for all, on x86_64',
    before: gated([including(ptrace, { arches: ['arm64'] })]),
    after: gated([ptrace]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'ptrace', contexts: ['in every context'] }],
    unjudged: GATED,
  },
  {
    name: 'an entry that is excluded on amd64, on x86_64',
    before: gated([excluding(ptrace, { arches: ['amd64'] })]),
    after: gated([]),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'an errno by name, read by Podman',
    before: gated([{ ...errno(1, 'bpf'), errno: 'ENOSYS' }], {}, PODMAN),
    after: gated([errno(38, 'bpf')], {}, PODMAN),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'an errno by name, passed over by Docker',
    before: gated([{ ...errno(13, 'bpf'), errno: 'ENOSYS' }]),
    after: gated([errno(38, 'bpf')]),
    verdict: 'equivalent',
    findings: [
      { rule: 'denial-changed', call: 'bpf', before: 'errno EACCES', after: 'errno ENOSYS' },
    ],
    unjudged: GATED,
  },
  {
    name: 'the default errno under a Docker that does not read it',
    before: gated([], { defaultErrnoRet: 13 }, { name: 'docker', version: '20.10.24' }),
    after: gated([], {}, { name: 'docker', version: '20.10.24' }),
    verdict: 'equivalent',
    findings: [],
    unjudged: GATED,
  },
  {
    name: 'the same under one that does',
    before: gated([], { defaultErrnoRet: 13 }, { name: 'docker', version: '23.0.0' }),
    after: gated([], {}, { name: 'docker', version: '23.0.0' }),
    verdict: 'equivalent',
    findings: [{ rule: 'default-changed', effect: 'denial', before: 'errno EACCES' }],
    unjudged: GATED,
  },
  {
    name: 'a file without gates means the same in either format',
    before: gated([mount]),
    after: plain([mount, ptrace]),
    verdict: 'widens',
    findings: [{ rule: 'call-widened', call: 'ptrace' }],
    unjudged: GATED,
  },
];

const LIVE: Live = {
  capabilities: ['CAP_SYS_ADMIN'],
  kernelVersion: '6.1.0-13-amd64',
  machine: 'x86_64',
  runtime: 'runc',
  engine: { name: 'docker', version: '20.10.24' },
};

function filters(
  documents: readonly object[],
  options: CompileOptions = {},
  live: Live = LIVE,
): FilterSide {
  const programs = documents.map(
    (one) => compile(parseProfile(json(one), 'live.json'), options).program,
  );
  const policy = policyOfPrograms(programs);
  return { kind: 'filters', label: 'container:app', notes: [], policy, live };
}

const UNFILTERED: UnfilteredSide = {
  kind: 'unfiltered',
  label: 'container:app',
  notes: [],
  live: LIVE,
};

const NOT_COMPILED = 'the filter is a side itself';
const HERE = document([mount, allow('write')], { architectures: [X86_64, I386] });

const PROCESSES: readonly DiffCase[] = [
  {
    name: 'a live filter against its profile',
    before: both([mount, allow('write')]),
    after: filters([HERE]),
    verdict: 'equivalent',
    findings: [],
    unjudged: NOT_COMPILED,
  },
  {
    name: "the same by a runc before 1.2, with a profile that does not list the machine's own ABI",
    before: plain([mount], { architectures: [I386] }),
    after: filters([document([mount], { architectures: [I386] })], { enosys: 'listed' }),
    verdict: 'equivalent',
    findings: [],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'the same by crun',
    before: both([mount, allow('write')]),
    after: filters(
      [HERE],
      { enosys: false, conditions: 'first-six' },
      { ...LIVE, runtime: 'crun' },
    ),
    verdict: 'equivalent',
    findings: [],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'a live filter lets one call more pass',
    before: both([allow('write')]),
    after: filters([HERE]),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'mount', severity: 'high' },
      { rule: 'call-widened', abi: 'i386', call: 'mount', severity: 'high' },
    ],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'a second filter on the process takes a call away',
    before: both([mount, allow('write')]),
    after: filters([
      HERE,
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: [X86_64, I386],
        syscalls: [errno(13, 'mount')],
      },
    ]),
    verdict: 'narrows',
    findings: [
      { rule: 'call-narrowed', abi: 'x86_64', call: 'mount', after: 'errno EACCES' },
      { rule: 'call-narrowed', abi: 'i386', call: 'mount', after: 'errno EACCES' },
      // The first has an ENOSYS in front that covers them too, the second kills them.
      {
        rule: 'numbers-changed',
        abi: 'x86_64',
        call: 'numbers 2147483648 to 3221225471',
        before: 'errno ENOSYS',
        after: 'kill thread',
        severity: 'note',
      },
    ],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'gates hold as in the container: it has the capability',
    before: gated([including(mount, ADMIN), allow('write')], { architectures: [X86_64, I386] }),
    after: filters([HERE]),
    verdict: 'equivalent',
    findings: [],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'gates hold as in the container: it has not',
    before: gated([including(mount, ADMIN), allow('write')], { architectures: [X86_64, I386] }),
    after: filters([HERE], {}, { ...LIVE, capabilities: [] }),
    verdict: 'widens',
    findings: [
      { rule: 'call-widened', abi: 'x86_64', call: 'mount' },
      { rule: 'call-widened', abi: 'i386', call: 'mount' },
    ],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'two live filters',
    before: filters([HERE]),
    after: filters([document([allow('write')], { architectures: [X86_64, I386] })]),
    verdict: 'narrows',
    findings: [
      { rule: 'call-narrowed', abi: 'x86_64', call: 'mount' },
      { rule: 'call-narrowed', abi: 'i386', call: 'mount' },
    ],
    unjudged: NOT_COMPILED,
  },
  {
    name: 'a container without any filter',
    before: both([mount]),
    after: UNFILTERED,
    verdict: 'widens',
    among: [
      { rule: 'unfiltered', effect: 'widens', severity: 'high', message: /^container:app runs/ },
      { rule: 'call-widened', abi: 'x86_64', call: 'bpf', severity: 'high' },
    ],
    headline: /without any seccomp filter.*privileged/,
    unjudged: NOT_COMPILED,
  },
  {
    name: 'a container that had no filter',
    before: UNFILTERED,
    after: both([mount]),
    verdict: 'narrows',
    findings: [{ rule: 'unfiltered', effect: 'narrows', message: /^container:app ran/ }],
    headline: /stricter/,
    unjudged: NOT_COMPILED,
  },
  {
    name: 'a filter that lets all pass is no missing filter: other architectures are killed',
    before: UNFILTERED,
    after: filters([{ defaultAction: 'SCMP_ACT_ALLOW', architectures: [X86_64], syscalls: [] }]),
    verdict: 'narrows',
    findings: [{ rule: 'unfiltered', effect: 'narrows' }],
    headline: /stricter/,
    unjudged: NOT_COMPILED,
  },
];

export const CONTEXT_CASES: readonly DiffCase[] = [
  ...CAPABILITIES,
  ...KERNELS,
  ...ENGINES,
  ...PROCESSES,
];
