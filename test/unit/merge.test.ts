/** Merging: recordings as sets, profiles as the union of their policies, and what minimise makes of them. */
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import { mergeEvidence, mergeProfiles, type NamedProfile } from '../../src/merge';
import { DEFAULT_OPTIONS, minimise } from '../../src/minimise';
import {
  contains,
  differences,
  equal,
  type Policy,
  policyOfProfile,
  union,
} from '../../src/policy';
import {
  type Evidence,
  type Profile,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from '../../src/profile';
import {
  mergeRecordings,
  parseRecording,
  type Recording,
  type Run,
  serializeRecording,
} from '../../src/recording';
import { makeRecording, makeRun } from '../support/recordings';

const SOAK = process.env.SYSIEVE_SOAK === '1' ? 10 : 1;

function failure(run: () => unknown): SysieveError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('did not fail');
}

// ── recordings ──────────────────────────────────────────────────────────────────────────────────

const tuple = fc.record({
  value: fc.constantFrom(1, 2, 10, 16),
  count: fc.integer({ min: 1, max: 5 }),
  told: fc.boolean(),
});
const socketCall = fc
  .uniqueArray(tuple, { selector: ({ value }) => value, minLength: 1, maxLength: 3 })
  .map((tuples) => {
    const count = tuples.reduce((sum, one) => sum + one.count, 0);
    const [call] = makeRun([{ call: 'socket', count }]).calls;
    if (call === undefined) throw new Error('no call');
    return {
      ...call,
      args: {
        indexes: [0, 1, 2],
        tuples: tuples.map(({ value, count: times, told }) => ({
          values: [`0x${value.toString(16)}`, '0x1', '0x0'],
          count: times,
          ...(told ? { phases: ['steady' as const], executables: [0] } : {}),
        })),
        overflow: 0,
        unreadable: 0,
      },
    };
  });

const runOf = (id: string): fc.Arbitrary<Run> =>
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom('read', 'write', 'openat', 'close', 'futex', 'mount'), {
        minLength: 1,
      }),
      socketCall,
    )
    .map(([names, socket]) => {
      const run = makeRun(names, { id });
      return { ...run, calls: [...run.calls, socket] };
    });

/** A few runs of fixed content, and three ways to spread them over files, each run at least once. */
const world = fc
  .tuple(...['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd', 'eeeeeeee'].map(runOf))
  .chain((runs) =>
    fc.record({
      runs: fc.constant(runs),
      order: fc.shuffledSubarray(runs, { minLength: runs.length }),
      cut: fc.tuple(fc.nat(runs.length), fc.nat(runs.length)),
      again: fc.subarray(runs),
    }),
  );

/** The order of lists that are sets, turned round. */
function turned(run: Run): Run {
  return {
    ...run,
    calls: [...run.calls].reverse().map((call) => ({
      ...call,
      args: call.args === null ? null : { ...call.args, tuples: [...call.args.tuples].reverse() },
    })),
  };
}

function spread({ order, cut, again }: { order: Run[]; cut: number[]; again: Run[] }): Recording[] {
  const [first = 0, second = 0] = [...cut].sort((a, b) => a - b);
  return [
    makeRecording(...order.slice(0, first)),
    makeRecording(...order.slice(first, second).map(turned)),
    makeRecording(
      ...order.slice(second),
      ...again.filter((run) => !order.slice(second).includes(run)),
    ),
  ];
}

describe('recordings', () => {
  test('any order, grouping and repetition give the same bytes', () => {
    fc.assert(
      fc.property(world, (given) => {
        const whole = serializeRecording(makeRecording(...given.runs));
        const parts = spread(given);
        const [a, b, c] = parts as [Recording, Recording, Recording];
        const bytes = (...some: Recording[]) => serializeRecording(mergeRecordings(some));
        expect(bytes(a, b, c)).toBe(whole);
        expect(bytes(c, b, a)).toBe(whole);
        expect(bytes(mergeRecordings([a, b]), c)).toBe(whole);
        expect(bytes(a, mergeRecordings([b, c]))).toBe(whole);
        expect(bytes(mergeRecordings(parts), ...parts)).toBe(whole);
        // Through the file and back: split by run, and merged again.
        const read = parseRecording(whole, 'whole');
        expect(bytes(...read.runs.map((run) => makeRecording(run)))).toBe(whole);
      }),
      { numRuns: 100 * SOAK },
    );
  });

  test('profile and evidence are the same bytes, however the recordings were split', () => {
    const made = (recordings: Recording[], args: 'none' | 'safe' | 'strict') => {
      const result = minimise({
        recordings,
        baselines: [],
        options: { ...DEFAULT_OPTIONS, runtimes: 'none', args },
      });
      const evidence: Evidence = {
        version: 3,
        calls: result.evidence,
        excluded: result.excluded,
        justifications: {},
      };
      return serializeProfile(result.profile) + serializeEvidence(evidence);
    };
    fc.assert(
      fc.property(
        world,
        fc.constantFrom('none' as const, 'safe' as const, 'strict' as const),
        (given, args) => {
          const whole = made([makeRecording(...given.runs)], args);
          const parts = spread(given);
          expect(made(parts, args)).toBe(whole);
          expect(made([mergeRecordings([...parts].reverse())], args)).toBe(whole);
          // Counts and times are no part of either.
          const later = given.runs.map((run) => ({
            ...run,
            start: '2027-01-01T00:00:00Z',
            durationMs: 7,
            calls: run.calls.map((call) => ({ ...call, firstSeenMs: 99 })),
          }));
          expect(made([makeRecording(...later)], args)).toBe(whole);
        },
      ),
      { numRuns: 60 * SOAK },
    );
  });

  test('one id with two contents names both files', () => {
    const a = makeRecording(makeRun(['read'], { id: 'aaaaaaaa' }));
    const b = makeRecording(makeRun(['write'], { id: 'aaaaaaaa' }));
    const error = failure(() => mergeRecordings([a, a, b], ['a.json', 'b.json', 'c.json']));
    expect(error).toMatchObject({ kind: 'input', code: 'recording-conflict' });
    expect(error.message).toContain('run aaaaaaaa is there twice');
    expect(error.message).toContain('in a.json and in c.json');
  });
});

// ── profiles ────────────────────────────────────────────────────────────────────────────────────

const NAMES = ['read', 'write', 'socket', 'personality', 'clone3', 'statx', 'nosuchcall'];
const condition = fc.record({
  index: fc.constantFrom(0, 1),
  value: fc.constantFrom(0n, 1n, 2n, 2n ** 31n, 2n ** 32n, 2n ** 63n),
  valueTwo: fc.constantFrom(0n, 1n),
  op: fc.constantFrom(
    'SCMP_CMP_EQ' as const,
    'SCMP_CMP_MASKED_EQ' as const,
    'SCMP_CMP_GT' as const,
  ),
});
const rule = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
  answer: fc.oneof(
    { weight: 6, arbitrary: fc.constant({ action: 'SCMP_ACT_ALLOW' as const }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { action: 'SCMP_ACT_LOG' as const },
        { action: 'SCMP_ACT_ERRNO' as const, errnoRet: 38 },
        { action: 'SCMP_ACT_ERRNO' as const, errnoRet: 13 },
        { action: 'SCMP_ACT_KILL_PROCESS' as const },
      ),
    },
  ),
  args: fc.uniqueArray(condition, { selector: ({ index }) => index, maxLength: 2 }),
});
const profile = fc
  .record({
    fallback: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constant({ defaultAction: 'SCMP_ACT_ERRNO' as const, defaultErrnoRet: 1 }),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          { defaultAction: 'SCMP_ACT_ERRNO' as const, defaultErrnoRet: 38 },
          { defaultAction: 'SCMP_ACT_KILL_PROCESS' as const },
          { defaultAction: 'SCMP_ACT_ALLOW' as const },
        ),
      },
    ),
    architectures: fc.oneof(
      { weight: 5, arbitrary: fc.constant(['SCMP_ARCH_X86_64' as const]) },
      {
        weight: 1,
        arbitrary: fc.constant(['SCMP_ARCH_X86_64' as const, 'SCMP_ARCH_X86' as const]),
      },
    ),
    rules: fc.array(rule, { maxLength: 5 }),
  })
  .map(
    ({ fallback, architectures, rules }): Profile => ({
      ...fallback,
      architectures: [...architectures],
      syscalls: rules.map(({ names, answer, args }) => ({ names, ...answer, args })),
    }),
  );

const RUNTIMES = ['runc', 'crun'] as const;
const policies = (one: Profile): Policy[] =>
  RUNTIMES.map((runtime) => policyOfProfile(one, { runtime, machine: 'x86_64' }));
const named = (...profiles: Profile[]): NamedProfile[] =>
  profiles.map((one, index) => ({ source: `p${index}.json`, profile: one }));

/** null: refused, with a reason. */
function merged(...profiles: Profile[]): Profile | null {
  try {
    return mergeProfiles(named(...profiles)).profile;
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.kind === 'input' && thrown.reason !== undefined) {
      return null;
    }
    throw thrown;
  }
}

const DENIES = new Set(['kill_process', 'kill_thread', 'trap', 'errno']);

/** The same but for how calls are denied. */
function samePermissions(a: Policy, b: Policy): void {
  expect(contains(a, b)).toEqual({ holds: true });
  expect(contains(b, a)).toEqual({ holds: true });
  for (const { before, after } of differences(a, b)) {
    expect([DENIES.has(before.action), DENIES.has(after.action)]).toEqual([true, true]);
  }
}

describe('profiles', () => {
  const parsed = (text: string) => parseProfile(text, 'p.json');
  const errnoProfile = (syscalls: string, more = '"architectures": ["SCMP_ARCH_X86_64"],') =>
    parsed(`{"defaultAction": "SCMP_ACT_ERRNO", ${more} "syscalls": ${syscalls}}`);

  test('the union, in any order, with the same permissions in any grouping, or a refusal', () => {
    let done = 0;
    const runs = 150 * SOAK;
    fc.assert(
      fc.property(profile, profile, profile, (a, b, c) => {
        const ab = merged(a, b);
        const ba = merged(b, a);
        expect(ba === null).toBe(ab === null);
        if (ab === null || ba === null) return;
        done += 1;
        expect(serializeProfile(ab)).toBe(serializeProfile(ba));
        const [pa, pb, pab] = [policies(a), policies(b), policies(ab)];
        for (const index of RUNTIMES.keys()) {
          const whole = union(pa[index] as Policy, pb[index] as Policy);
          samePermissions(pab[index] as Policy, whole);
        }
        const left = merged(ab, c);
        const bc = merged(b, c);
        const right = bc === null ? null : merged(a, bc);
        if (left === null || right === null) return;
        // What passes is the same; an errno that was a default's is a rule's in the next merge.
        const [pleft, pright] = [policies(left), policies(right)];
        for (const index of RUNTIMES.keys()) {
          samePermissions(pleft[index] as Policy, pright[index] as Policy);
        }
      }),
      { numRuns: runs },
    );
    // Refusing everything would hold the property as well.
    expect(done).toBeGreaterThan(runs / 3);
  }, 600_000);

  test('rules whose order makes them undecided are refused, not put in order', () => {
    const conditions = (...values: [index: number, op: string, value: number][]) =>
      values.map(([index, op, value]) => ({ index, value, valueTwo: 0, op }));
    const one = (args: object[]) => ({ names: ['statx'], action: 'SCMP_ACT_ALLOW', args });
    const source = JSON.stringify([
      one(conditions([0, 'SCMP_CMP_EQ', 0])),
      one(conditions([0, 'SCMP_CMP_GT', 0], [1, 'SCMP_CMP_EQ', 0])),
      one([]),
    ]);
    expect(() => mergeProfiles(named(errnoProfile(source), errnoProfile('[]')))).toThrow(
      /cannot be decided/,
    );
  });

  test('an errno by a rule and by another default: denied in any grouping', () => {
    const killed = errnoProfile('[{"names": ["read"], "action": "SCMP_ACT_KILL_PROCESS"}]');
    const [a, b, c] = [errnoProfile('[]'), killed, errnoProfile('[]')] as const;
    const enosys = (one: Profile): Profile => ({ ...one, defaultErrnoRet: 38 });
    const whole = merged(a, enosys(b), enosys(c)) as Profile;
    const left = merged(merged(a, enosys(b)) as Profile, enosys(c)) as Profile;
    for (const index of RUNTIMES.keys()) {
      samePermissions(policies(whole)[index] as Policy, policies(left)[index] as Policy);
    }
  });

  test('with itself: the same policy, and the same bytes again', () => {
    fc.assert(
      fc.property(profile, (one) => {
        const twice = merged(one, one);
        if (twice === null) return;
        for (const index of RUNTIMES.keys()) {
          expect(equal(policies(twice)[index] as Policy, policies(one)[index] as Policy)).toBe(
            true,
          );
        }
        const again = merged(twice, twice);
        expect(again === null ? null : serializeProfile(again)).toBe(serializeProfile(twice));
      }),
      { numRuns: 100 * SOAK },
    );
  }, 600_000);

  const allow = (name: string, args = '') =>
    `[{"names": ["${name}"], "action": "SCMP_ACT_ALLOW"${args}}]`;
  const DOMAIN = (value: number) =>
    `, "args": [{"index": 0, "value": ${value}, "op": "SCMP_CMP_EQ"}]`;

  test('alternatives stay alternatives, and the unconditional one wins', () => {
    const one = errnoProfile(allow('socket', DOMAIN(1)));
    const two = errnoProfile(allow('socket', DOMAIN(2)));
    const both = mergeProfiles(named(one, two)).profile;
    expect(both.syscalls.map(({ args }) => args.map(({ value }) => value))).toEqual([[1n], [2n]]);
    const any = mergeProfiles(named(both, errnoProfile(allow('socket')))).profile;
    expect(any.syscalls).toEqual([{ names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [] }]);
  });

  test('explicit denials are kept where nobody permits the call, and reported', () => {
    const denying = errnoProfile(
      '[{"names": ["clone3", "statx"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]',
    );
    const { profile: made, denials } = mergeProfiles(named(denying, errnoProfile(allow('statx'))));
    expect(made.syscalls).toEqual([
      { names: ['statx'], action: 'SCMP_ACT_ALLOW', args: [] },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, args: [] },
    ]);
    expect(denials).toEqual([
      { name: 'clone3', answer: 'SCMP_ACT_ERRNO 38', sources: ['p0.json'], kept: true },
      { name: 'statx', answer: 'SCMP_ACT_ERRNO 38', sources: ['p0.json'], kept: false },
    ]);
  });

  test('an ABI listed by one side alone would be permitted more than the union: refused', () => {
    const both = '"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],';
    const error = failure(() =>
      mergeProfiles(named(errnoProfile(allow('read')), errnoProfile(allow('write'), both))),
    );
    expect(error).toMatchObject({ kind: 'input', code: 'merge-inexpressible' });
    expect(error.message).toBe(
      'i386 read: the union answers errno 1, the merged profile would allow',
    );
    expect(error.reason).toContain('i386 is listed by p1.json alone');
    // The names of the one side are no more than the other's: nothing is widened.
    const exact = mergeProfiles(
      named(errnoProfile(allow('read')), errnoProfile(allow('read'), both)),
    );
    expect(exact.profile.architectures).toEqual(['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64']);
  });

  test('flags decide no answer: they must be the same', () => {
    const flagged = errnoProfile(allow('read'), '"flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],');
    const error = failure(() => mergeProfiles(named(flagged, errnoProfile(allow('read'), ''))));
    expect(error).toMatchObject({ kind: 'input', code: 'merge-differs' });
    expect(error.message).toBe(
      'flags differs: [SECCOMP_FILTER_FLAG_SPEC_ALLOW] in p0.json, none in p1.json',
    );
  });

  test('a deny list and an allow list that no profile says together are refused', () => {
    const deny = parsed(
      '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": ' +
        '[{"names": ["socket"], "action": "SCMP_ACT_ERRNO"}]}',
    );
    const error = failure(() =>
      mergeProfiles(named(deny, errnoProfile(allow('socket', DOMAIN(1))))),
    );
    // The allow list's default denies socket otherwise, and so does the deny list.
    expect(error).toMatchObject({ kind: 'input', code: 'merge-inexpressible' });
    expect(error.message).toContain('socket: no OCI profile says the union');
  });
});

describe('evidence', () => {
  const call = (name: string, more: Partial<Evidence['calls'][number]> = {}) => ({
    abi: 'x86_64' as const,
    name,
    action: 'SCMP_ACT_ALLOW' as const,
    errnoRet: null,
    why: ['observed' as const],
    executables: ['/a'],
    phases: ['steady'],
    ...more,
  });
  const evidence = (calls: Evidence['calls'], more: Partial<Evidence> = {}): Evidence => ({
    version: 3,
    calls,
    excluded: [],
    justifications: {},
    ...more,
  });
  const bytes = (...parts: Evidence[]) => serializeEvidence(mergeEvidence(parts));

  const a = evidence(
    [call('read'), call('statx', { action: 'SCMP_ACT_ERRNO', errnoRet: 38, why: ['fallback'] })],
    {
      justifications: { bpf: 'probes', ptrace: 'crash handler' },
      excluded: [{ abi: 'x86_64', name: 'mount', values: null, reason: 'risk tier 2' }],
    },
  );
  const b = evidence(
    [call('read', { executables: ['/b'], why: ['runtime'] }), call('statx'), call('mount')],
    {
      justifications: { bpf: 'tracing\n\nof everything' },
    },
  );
  const c = evidence([call('write')], { justifications: { bpf: 'probes' } });

  test('every reason is kept, both justifications too', () => {
    const both = mergeEvidence([a, b]);
    expect(both.calls.find(({ name }) => name === 'read')).toMatchObject({
      why: ['observed', 'runtime'],
      executables: ['/a', '/b'],
    });
    expect(both.calls.find(({ name }) => name === 'statx')).toMatchObject({
      action: 'SCMP_ACT_ALLOW',
    });
    expect(both.excluded).toEqual([]);
    expect(both.justifications).toEqual({
      bpf: 'probes\n---\ntracing\n\nof everything',
      ptrace: 'crash handler',
    });
  });

  test('associative, commutative, idempotent', () => {
    expect(bytes(a, b)).toBe(bytes(b, a));
    expect(bytes(mergeEvidence([a, b]), c)).toBe(bytes(a, mergeEvidence([b, c])));
    expect(bytes(mergeEvidence([a, b, c]), b, a)).toBe(bytes(c, b, a));
    expect(bytes(a, a)).toBe(bytes(a));
  });
});
