/** Argument rules: what each tier makes of recorded arguments, and what becomes of clone3. */
import {
  type Baseline,
  DEFAULT_OPTIONS,
  giveUp,
  type MinimiseOptions,
  minimise,
} from '../../src/minimise';
import { answerOf, policyOfProfile } from '../../src/policy';
import {
  type EvidenceAlternative,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from '../../src/profile';
import type { Run } from '../../src/recording';
import { type Abi, auditArch, IOCTL_TERMINAL_CUBES, syscallNumber } from '../../src/tables';
import { type CallSpec, makeRecording, makeRun } from '../support/recordings';

const RUNTIMES = ['runc', 'crun'] as const;

function make(
  calls: (CallSpec | string)[] | Run[],
  options: Partial<MinimiseOptions> = {},
  baselines: Baseline[] = [],
) {
  const runs = calls.some((call) => typeof call === 'object' && 'calls' in call)
    ? (calls as Run[])
    : [makeRun(['read', ...(calls as CallSpec[])])];
  const result = minimise({
    recordings: [makeRecording(...runs)],
    baselines,
    options: {
      ...DEFAULT_OPTIONS,
      runtimes: baselines.length === 0 ? 'none' : 'all',
      engineDefaults: [],
      ...options,
    },
  });
  const policies = RUNTIMES.map((runtime) =>
    policyOfProfile(result.profile, { runtime, machine: 'x86_64' }),
  );
  return {
    ...result,
    warnings: result.report.flatMap(({ warnings }) => warnings),
    call: (name: string) => result.evidence.find((call) => call.name === name),
    /** What runc and crun answer; an error where they differ. */
    answer(name: string, args: bigint[] = [], abi: Abi = 'x86_64'): string {
      const nr = syscallNumber(abi, name) ?? -1;
      const [first, second] = policies.map((policy) =>
        answerOf(policy, { arch: auditArch(abi), nr, args }),
      );
      expect(second).toEqual(first);
      return first?.action === 'errno' ? `errno ${first.data}` : (first?.action ?? '');
    },
  };
}

const socket = (...tuples: bigint[][]): CallSpec => ({ call: 'socket', tuples });
const HIGH = 0xdead_beef_0000_0000n;

describe('safe', () => {
  test('sockets by domain, in the low 32 bits; IP brings both of its versions', () => {
    const { answer, call } = make([socket([2n, 1n, 6n])]);
    expect(answer('socket', [2n, 3n, 0n])).toBe('allow');
    expect(answer('socket', [HIGH | 2n, 2n])).toBe('allow');
    expect(answer('socket', [10n, 1n])).toBe('allow');
    for (const domain of [1n, 16n, 17n, 38n, 40n]) {
      expect(answer('socket', [domain, 1n])).toBe('errno 1');
    }
    expect(call('socket')?.alternatives?.map(({ covers }) => covers)).toEqual([
      'AF_INET',
      'AF_INET6',
    ]);
  });

  test('rules that libseccomp may mix up are bounded by one argument, and that is said', () => {
    const calls = [socket([2n, 1n, 0n], [10n, 2n, 17n]), { call: 'prctl', tuples: [[1n], [2n]] }];
    const { answer, warnings } = make(calls, { args: 'strict' });
    expect(warnings.join()).toMatch(/socket are bounded by their first argument alone: syscalls/);
    expect(answer('socket', [10n, 5n, 1n])).toBe('allow');
    expect(answer('socket', [16n, 2n, 17n])).toBe('errno 1');
    // Alone, nothing can be mixed up with it.
    const alone = make([socket([2n, 1n, 0n])], { args: 'strict' });
    expect(alone.answer('socket', [2n, 2n, 0n])).toBe('errno 1');
  });

  test('clone and unshare by namespace flags alone', () => {
    const { answer } = make([{ call: 'clone', tuples: [[0x3d0f00n], [0x1200000n]] }]);
    expect(answer('clone', [0x4111n])).toBe('allow');
    for (const flag of [17, 25, 26, 27, 28, 29, 30]) {
      expect(answer('clone', [(1n << BigInt(flag)) | 17n])).toBe('errno 1');
    }
    const net = make([{ call: 'clone', tuples: [[0x40000000n]] }]);
    expect(net.answer('clone', [0x40000011n])).toBe('allow');
    expect(net.answer('clone', [0x11n])).toBe('allow');
    expect(net.answer('clone', [0x50000011n])).toBe('errno 1');
    const time = make([{ call: 'unshare', tuples: [[0x20000n]] }], { allow: ['unshare'] });
    expect(time.answer('unshare', [0x20000n | 0x200n])).toBe('allow');
    expect(time.answer('unshare', [0x80n])).toBe('errno 1');
  });

  test.each([
    ['mmap', [0n, 4096n]],
    ['mprotect', [0n, 4096n]],
    ['pkey_mprotect', [0n, 4096n]],
  ] as const)('%s: never writable and executable, unless it was', (call, before) => {
    const { answer } = make([{ call, tuples: [[1n], [3n]] }]);
    for (const protection of [0n, 1n, 2n, 3n, 4n, 5n]) {
      expect(answer(call, [...before, protection])).toBe('allow');
    }
    expect(answer(call, [...before, 6n])).toBe('errno 1');
    expect(answer(call, [...before, 7n])).toBe('errno 1');
    const both = make([{ call, tuples: [[7n]] }]);
    expect(both.answer(call, [...before, 7n])).toBe('allow');
    expect(both.call(call)).toMatchObject({ why: ['observed', 'generalised'] });
    expect(both.call(call)?.note).toMatch(/writable and executable/);
    expect(both.warnings.join()).toContain(`${call}: with every argument`);
  });

  test('shmat: executable only when read-only', () => {
    const { answer } = make([{ call: 'shmat', tuples: [[0n]] }]);
    expect(answer('shmat', [0n, 0n, 0o10000n])).toBe('allow');
    expect(answer('shmat', [0n, 0n, 0o110000n])).toBe('allow');
    expect(answer('shmat', [0n, 0n, 0o100000n])).toBe('errno 1');
  });

  test('prctl, arch_prctl, personality: harmless options come along, others do not', () => {
    const { answer } = make([
      { call: 'prctl', tuples: [[38n]] },
      { call: 'arch_prctl', tuples: [[0x1002n]] },
      { call: 'personality', tuples: [[0x40000n]] },
    ]);
    for (const option of [15n, 16n, 3n, 38n, 21n]) expect(answer('prctl', [option])).toBe('allow');
    for (const option of [4n, 22n, 24n, 35n, 59n]) {
      expect(answer('prctl', [option])).toBe('errno 1');
    }
    expect(answer('arch_prctl', [0x3001n])).toBe('allow');
    expect(answer('arch_prctl', [0x1012n])).toBe('errno 1');
    expect(answer('personality', [0xffffffffn])).toBe('allow');
    expect(answer('personality', [0xffffffff_ffffffffn])).toBe('allow');
    expect(answer('personality', [0x40000n])).toBe('allow');
    expect(answer('personality', [0x400000n])).toBe('errno 1');
  });

  test('ioctl by the type of its request; terminals always, but no input into them', () => {
    const { answer } = make([{ call: 'ioctl', tuples: [[0x8912n]] }]);
    for (const request of [0x8946n, 0x5401n, 0x5413n, 0x541bn, 0x5421n, 0x5451n, 0x80045430n]) {
      expect(answer('ioctl', [0n, request])).toBe('allow');
    }
    for (const request of [0x5412n, 0x541cn, 0x4b3an, 0xc0045878n]) {
      expect(answer('ioctl', [0n, request])).toBe('errno 1');
    }
    const input = make([{ call: 'ioctl', tuples: [[0x5412n]] }]);
    expect(input.answer('ioctl', [0n, 0x5412n])).toBe('allow');
    expect(input.answer('ioctl', [0n, 0x541cn])).toBe('errno 1');
  });

  test('the terminal requests are all of 0x54 but two, and none of their cubes is idle', () => {
    const within = (request: number, cubes = IOCTL_TERMINAL_CUBES) =>
      cubes.some(([mask, value]) => (request & mask) === value);
    for (let request = 0; request <= 0xffff; request++) {
      const wanted = request >> 8 === 0x54 && request !== 0x5412 && request !== 0x541c;
      if (within(request) !== wanted) throw new Error(`0x${request.toString(16)}`);
    }
    for (const cube of IOCTL_TERMINAL_CUBES) {
      const others = IOCTL_TERMINAL_CUBES.filter((other) => other !== cube);
      const lost = Array.from({ length: 256 }, (_, low) => 0x5400 + low).filter(
        (request) => within(request) && !within(request, others),
      );
      expect(lost).not.toEqual([]);
    }
  });

  test('ptrace, bpf, keyctl, seccomp and setns by kind', () => {
    const allow = ['ptrace', 'bpf', 'keyctl', 'setns'];
    const { answer } = make(
      [
        { call: 'ptrace', tuples: [[7n]] },
        { call: 'bpf', tuples: [[1n]] },
        { call: 'keyctl', tuples: [[11n]] },
        { call: 'seccomp', tuples: [[1n]] },
        { call: 'setns', tuples: [[0x40000000n]] },
      ],
      { allow },
    );
    expect(answer('ptrace', [24n])).toBe('allow');
    expect(answer('ptrace', [16n])).toBe('errno 1');
    expect(answer('ptrace', [5n])).toBe('errno 1');
    expect(answer('bpf', [2n])).toBe('allow');
    expect(answer('bpf', [5n])).toBe('errno 1');
    expect(answer('keyctl', [6n])).toBe('allow');
    expect(answer('keyctl', [2n])).toBe('errno 1');
    expect(answer('seccomp', [2n])).toBe('allow');
    expect(answer('seccomp', [0n])).toBe('errno 1');
    expect(answer('setns', [3n, 0x40000000n])).toBe('allow');
    expect(answer('setns', [3n, 0n])).toBe('errno 1');
    const any = make([{ call: 'setns', tuples: [[0n]] }], { allow: ['setns'] });
    expect(any.answer('setns', [3n, 0x10000000n])).toBe('allow');
  });

  test('what is tracked and tells no kind apart has no rule', () => {
    const { answer, call } = make([{ call: 'fcntl', tuples: [[1n]] }]);
    expect(answer('fcntl', [0n, 1033n])).toBe('allow');
    expect(call('fcntl')).not.toHaveProperty('alternatives');
  });
});

describe('what is not known is not bounded, and said', () => {
  test.each([
    ['over the limit', { call: 'socket', tuples: [[2n, 1n, 0n]], overflow: 1 }, /more distinct/],
    ['from an older recording', { call: 'socket' }, /not recorded/],
    ['fewer than calls', { call: 'socket', tuples: [[2n, 1n, 0n]], count: 5 }, /not recorded/],
    ['unreadable', { call: 'clone3', unreadable: 1 }, /could not be read/],
  ] satisfies [string, CallSpec, RegExp][])('%s', (_, spec, reason) => {
    const { answer, warnings } = make([spec]);
    expect(answer(spec.call, [38n])).toBe('allow');
    expect(warnings.join()).toMatch(reason);
  });

  test('behind a pointer under i386: then for every ABI', () => {
    const { answer, warnings } = make([
      { call: 'mmap', tuples: [[3n]] },
      { abi: 'i386', call: 'mmap' },
    ]);
    expect(answer('mmap', [0n, 0n, 7n])).toBe('allow');
    expect(warnings.join()).toMatch(/mmap: with every argument: i386 passes .* behind a pointer/);
  });

  test('a rule that i386 goes around is called so', () => {
    const { answer, warnings } = make([
      socket([2n, 1n, 0n]),
      { abi: 'i386', call: 'socketcall' },
      { abi: 'i386', call: 'read' },
    ]);
    expect(answer('socket', [38n])).toBe('errno 1');
    expect(answer('socketcall', [1n], 'i386')).toBe('allow');
    expect(warnings.join()).toMatch(/its socketcall carries the arguments of socket behind/);
  });
});

describe('strict', () => {
  test('every tracked value as seen, and no other', () => {
    const { answer } = make(
      [socket([2n, 1n, 6n], [1n, 2n, 0n]), { call: 'fcntl', tuples: [[3n]] }],
      {
        args: 'strict',
      },
    );
    expect(answer('socket', [2n, 0x80801n, 6n])).toBe('allow');
    expect(answer('socket', [2n, 2n, 0n])).toBe('errno 1');
    expect(answer('fcntl', [9n, HIGH | 3n])).toBe('allow');
    expect(answer('fcntl', [9n, 4n])).toBe('errno 1');
  });

  test('essentials keep every argument', () => {
    const { answer } = make([{ call: 'clock_gettime', tuples: [[1n]] }], { args: 'strict' });
    expect(answer('clock_gettime', [0n])).toBe('allow');
  });

  test('past the limit: fewer arguments, then common bits, then none, and it is said', () => {
    const many = Array.from({ length: 100 }, (_, i) => [2n, 1n, BigInt(i)]);
    const byDomain = make([socket(...many)], { args: 'strict' });
    expect(byDomain.call('socket')?.note).toMatch(/more than 64 alternatives: by kind/);
    expect(byDomain.answer('socket', [38n, 1n, 0n])).toBe('errno 1');

    const options = Array.from({ length: 100 }, (_, i) => [0n, BigInt(i)]);
    const levels = make([{ call: 'getsockopt', tuples: options }], { args: 'strict' });
    expect(levels.call('getsockopt')?.note).toMatch(/without the last/);
    expect(levels.answer('getsockopt', [0n, 0n, 5000n])).toBe('allow');
    expect(levels.answer('getsockopt', [0n, 1n, 0n])).toBe('errno 1');

    const commands = Array.from({ length: 100 }, (_, i) => [0x400n + BigInt(i)]);
    const common = make([{ call: 'fcntl', tuples: commands }], { args: 'strict' });
    expect(common.answer('fcntl', [0n, 0x47fn])).toBe('allow');
    expect(common.answer('fcntl', [0n, 0x3n])).toBe('errno 1');
    expect(common.warnings.join()).toContain('fcntl: more than 64 alternatives');

    const any = Array.from({ length: 100 }, (_, i) => [(BigInt(i) * 0x2345671n) & 0xffffffffn]);
    const spread = [...any, [0n], [0xffffffffn]];
    const none = make([{ call: 'fcntl', tuples: spread }], { args: 'strict' });
    expect(none.answer('fcntl', [0n, 0x12345n])).toBe('allow');
  });
});

test('none: every argument, and the evidence says so', () => {
  const { answer, call } = make([socket([2n, 1n, 0n])], { args: 'none' });
  expect(answer('socket', [38n])).toBe('allow');
  expect(call('socket')).toMatchObject({ why: ['observed', 'generalised'] });
});

describe('clone3', () => {
  const threads = { call: 'clone3', tuples: [[0x3d0f00n]] } satisfies CallSpec;

  test('is told ENOSYS where clone has a rule, which counts its flags', () => {
    const { answer, call } = make([threads]);
    expect(answer('clone3')).toBe('errno 38');
    expect(answer('clone', [0x3d0f00n])).toBe('allow');
    expect(answer('clone', [0x10000011n])).toBe('errno 1');
    expect(call('clone3')).toMatchObject({ why: ['observed', 'fallback'], errnoRet: 38 });
    expect(call('clone')).toMatchObject({ why: ['equivalent'] });
  });

  test('that made namespaces is reported, and clone may', () => {
    const { answer, warnings } = make([{ call: 'clone3', tuples: [[0x10000000n]] }]);
    expect(warnings.join()).toMatch(/clone3 made namespaces \(CLONE_NEWUSER\), by \/usr\/bin\/web/);
    expect(answer('clone3')).toBe('errno 38');
    expect(answer('clone', [0x10000011n])).toBe('allow');
    expect(answer('clone', [0x40000011n])).toBe('errno 1');
  });

  test('that could not be read leaves clone without a rule, loudly', () => {
    const { answer, warnings } = make([{ call: 'clone3', unreadable: 1 }]);
    expect(answer('clone3')).toBe('allow');
    expect(warnings.join()).toMatch(/it may have made namespaces/);
    expect(warnings.join()).toMatch(/stays permitted/);
  });

  test('by request it stays', () => {
    const { answer, warnings } = make([threads], { allow: ['clone3'] });
    expect(answer('clone3')).toBe('allow');
    expect(warnings.join()).toMatch(/permitted on request/);
  });
});

describe('beyond the engine’s default', () => {
  const docker = { engineDefaults: null };

  test('arguments that it refuses stay out, others enter', () => {
    const { answer, warnings, excluded } = make([socket([38n, 5n, 0n], [2n, 1n, 0n])], docker);
    expect(answer('socket', [2n, 1n])).toBe('allow');
    expect(answer('socket', [38n, 5n])).toBe('errno 1');
    expect(warnings.join()).toMatch(/left out: socket\(0x26, 0x5, 0x0\), beyond .* docker/);
    expect(excluded).toMatchObject([{ name: 'socket', values: ['0x26', '0x5', '0x0'] }]);
  });

  test('clone3 is held against clone: threads enter, user namespaces do not', () => {
    const { answer } = make([{ call: 'clone3', tuples: [[0x3d0f00n], [0x10000000n]] }], docker);
    expect(answer('clone', [0x3d0f00n])).toBe('allow');
    expect(answer('clone', [0x10000011n])).toBe('errno 1');
    expect(answer('clone3')).toBe('errno 38');
  });

  test('by request they enter', () => {
    const spec = [socket([38n, 5n, 0n])];
    expect(make(spec, { ...docker, allow: ['socket'] }).answer('socket', [38n])).toBe('allow');
    expect(make(spec, { engineDefaults: [] }).answer('socket', [38n])).toBe('allow');
    expect(() => make(spec, { engineDefaults: [{ engine: 'docker', version: '1.0' }] })).toThrow(
      /not known/,
    );
  });
});

describe('other names for the same', () => {
  test('--portable adds no more than was there', () => {
    const { answer } = make(['open', 'unlink', 'fork', 'dup2', 'fstat'], { portable: true });
    for (const name of ['openat', 'creat']) expect(answer(name)).toBe('allow');
    // What no libc on this architecture makes instead.
    for (const name of ['openat2', 'dup3', 'unlinkat', 'rmdir', 'vfork'])
      expect(answer(name)).not.toBe('allow');
    expect(answer('clone', [0x11n])).toBe('allow');
    expect(answer('clone', [0x10000011n])).toBe('errno 1');
    expect(answer('clone3')).toBe('errno 38');
    expect(answer('newfstatat', [0n, 0n, 0n, 0x1000n])).toBe('allow');
    expect(answer('newfstatat', [0n, 0n, 0n, 0n])).toBe('errno 1');
  });

  test('--portable carries a rule over, or leaves the call out', () => {
    const strict = make([{ call: 'prlimit64', tuples: [[7n]] }], {
      portable: true,
      args: 'strict',
    });
    expect(strict.answer('getrlimit', [7n])).toBe('allow');
    expect(strict.answer('getrlimit', [3n])).toBe('errno 1');
    const threads = make([{ call: 'clone', tuples: [[0x3d0f00n]] }], {
      portable: true,
      args: 'strict',
    });
    expect(threads.answer('fork')).toBe('errno 1');
  });

  test('--arch writes for aarch64, and says what is not there', () => {
    const made = make(
      [
        'open',
        'poll',
        socket([2n, 1n, 0n]),
        { call: 'clone', tuples: [[0x3d0f00n]] },
        { call: 'arch_prctl', tuples: [[0x1002n]] },
      ],
      { arch: 'aarch64' },
    );
    expect(made.profile.architectures).toEqual(['SCMP_ARCH_AARCH64']);
    const names = made.profile.syscalls.flatMap((rule) => rule.names);
    for (const name of ['openat', 'ppoll', 'read', 'rt_sigreturn']) expect(names).toContain(name);
    for (const name of ['open', 'poll', 'arch_prctl']) expect(names).not.toContain(name);
    expect(made.warnings.join()).toContain('no counterpart on aarch64: arch_prctl');
    const policy = policyOfProfile(made.profile, { runtime: 'runc', machine: 'aarch64' });
    const nr = syscallNumber('aarch64', 'socket') ?? -1;
    const ask = (args: bigint[]) => answerOf(policy, { arch: auditArch('aarch64'), nr, args });
    expect(ask([2n, 1n]).action).toBe('allow');
    expect(ask([38n, 1n]).action).toBe('errno');
  });
});

describe('evidence', () => {
  const bytes = (made: ReturnType<typeof make>) => [
    serializeProfile(made.profile),
    serializeEvidence({
      version: 3,
      calls: made.evidence,
      excluded: made.excluded,
      justifications: {},
    }),
  ];

  test('is the same for other values of the same kinds, and another order', () => {
    const one = make([
      socket([2n, 1n, 6n], [1n, 1n, 0n]),
      { call: 'prctl', tuples: [[15n]] },
      { call: 'mmap', tuples: [[1n], [3n]] },
      { call: 'ioctl', tuples: [[0x8912n]] },
      { call: 'clone', tuples: [[0x3d0f00n]] },
    ]);
    const other = make([
      { call: 'ioctl', tuples: [[0x8913n], [0x5401n]] },
      { call: 'clone', tuples: [[0x1200000n]] },
      { call: 'mmap', tuples: [[5n]] },
      { call: 'prctl', tuples: [[16n]] },
      socket([1n, 2n, 0n], [10n, 2n, 17n]),
    ]);
    // The terminal's requests come along, so that having seen one is all that differs.
    const terminal = /"covers": "requests of terminals.*?"phases": \[.*?\]/gs;
    expect(bytes(other).map((text) => text.replace(terminal, ''))).toEqual(
      bytes(one).map((text) => text.replace(terminal, '')),
    );
  });

  test('says of each alternative whose it is', () => {
    const runs = [
      makeRun([
        { call: 'read' },
        { call: 'prctl', tuples: [[38n]], phases: ['runtime'] },
        { call: 'socket', tuples: [[2n, 1n, 0n]], executables: [1], phases: ['startup'] },
      ]),
    ];
    const made = make(runs);
    const find = (name: string, covers: string): EvidenceAlternative | undefined =>
      made.call(name)?.alternatives?.find((a) => a.covers === covers);
    expect(find('socket', 'AF_INET')).toMatchObject({
      why: ['observed', 'generalised'],
      executables: ['/usr/bin/helper'],
      phases: ['startup'],
    });
    expect(find('prctl', 'PR_SET_NO_NEW_PRIVS')).toMatchObject({
      why: ['runtime'],
      phases: ['runtime'],
    });
    expect(find('prctl', 'PR_GET_NAME')).toMatchObject({ why: ['generalised'], executables: [] });
  });

  test('profiles with rules are read as they are written, a condition a line', () => {
    const text = serializeProfile(make([socket([2n, 1n, 0n])]).profile);
    expect(serializeProfile(parseProfile(text, 'p'))).toBe(text);
    expect(text).toContain(
      '{"index": 0, "value": 4294967295, "valueTwo": 10, "op": "SCMP_CMP_MASKED_EQ"}',
    );
  });
});

describe('runtime baselines', () => {
  const baseline = (tuples: string[][] | undefined): Baseline => ({
    version: 1,
    runtime: 'runc',
    runtimeVersion: '1',
    conditions: [
      {
        start: 'create',
        tty: false,
        user: false,
        noNewPrivileges: false,
        starts: 1,
        calls: [{ abi: 'x86_64', name: 'prctl', ...(tuples === undefined ? {} : { tuples }) }],
      },
    ],
  });
  const spec: CallSpec[] = [{ call: 'prctl', tuples: [[15n]] }];

  test('bring their arguments into the rule', () => {
    const { answer } = make(spec, {}, [baseline([['0x18']])]);
    expect(answer('prctl', [24n])).toBe('allow');
    expect(answer('prctl', [4n])).toBe('errno 1');
  });

  test('that do not say leave the call open', () => {
    const { answer, warnings } = make(spec, {}, [baseline(undefined)]);
    expect(answer('prctl', [4n])).toBe('allow');
    expect(warnings.join()).toMatch(/a runtime baseline does not say/);
  });

  test('know what another condition of the same runtime says', () => {
    const { answer } = make(spec, {}, [baseline(undefined), baseline([['0x18']])]);
    expect(answer('prctl', [24n])).toBe('allow');
    expect(answer('prctl', [4n])).toBe('errno 1');
  });
});

describe('giving rules up', () => {
  const cost = (name: string, nsPerSecond: number) => ({
    name,
    nsPerSecond,
    callsPerSecond: 1,
    instructions: 1,
  });
  const costs = [cost('clone', 100), cost('mmap', 500), cost('prctl', 10), cost('socket', 50)];

  test('least worth first, and only until it is enough', () => {
    expect(giveUp(costs, 1000)).toEqual([]);
    expect(giveUp(costs, 655)).toEqual(['prctl']);
    expect(giveUp(costs, 0)).toEqual(['prctl', 'mmap', 'socket', 'clone']);
  });

  test('what is cheap comes back where it fits', () => {
    expect(giveUp(costs, 200)).toEqual(['mmap']);
  });

  test('a rule given up is no longer there', () => {
    const { answer, call } = make([socket([2n, 1n, 0n])], { unruled: ['socket'] });
    expect(answer('socket', [38n])).toBe('allow');
    expect(call('socket')?.note).toMatch(/given up for its cost/);
  });
});
