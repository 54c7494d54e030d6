/** The proof: what minimise makes holds both ways, and what is changed afterwards fails the right way. */
import fc from 'fast-check';
import { compile } from '../../src/libseccomp';
import { DEFAULT_OPTIONS, type MinimiseOptions, minimise, PASS_NAMES } from '../../src/minimise';
import type { Profile, Rule } from '../../src/profile';
import type { Recording } from '../../src/recording';
import { names, trackedArguments } from '../../src/tables';
import { prove } from '../../src/verify';
import { type CallSpec, makeRecording, makeRun } from '../support/recordings';

const OPTIONS: MinimiseOptions = { ...DEFAULT_OPTIONS, runtimes: 'none', engineDefaults: [] };
const RUNS = process.env.SYSIEVE_SOAK === '1' ? 2000 : 60;

function filters(profile: Profile) {
  return {
    runc: compile(profile, { enosys: 'listed' }),
    crun: compile(profile, { enosys: false }),
  };
}

function proof(
  profile: Profile,
  recording: Recording,
  evidence: Parameters<typeof prove>[0]['evidence'],
  compiled = true,
) {
  return prove({
    profile,
    evidence,
    runs: recording.runs,
    baselines: [],
    machine: 'x86_64',
    compiled: compiled ? filters(profile) : null,
  });
}

function made(recording: Recording, changes: Partial<MinimiseOptions> = {}) {
  const options = { ...OPTIONS, ...changes };
  const { profile, evidence, excluded } = minimise({
    recordings: [recording],
    baselines: [],
    options,
  });
  return { profile, evidence: { calls: evidence, excluded } };
}

const value = fc.oneof(
  fc.bigInt({ min: 0n, max: 70n }),
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
  fc.constantFrom(0x10000000n, 0x5412n, 0x541bn, 0x3d0f00n, 7n, 0xffffffffn, 0x8912n),
);

function callOf(abi: 'x86_64' | 'i386'): fc.Arbitrary<CallSpec> {
  const tracked = names(abi).filter((name) => trackedArguments(abi, name) !== null);
  const plain = fc.record({ abi: fc.constant(abi), call: fc.constantFrom(...names(abi)) });
  const ruled = fc.constantFrom(...tracked).chain((call) => {
    const masks = (trackedArguments(abi, call) ?? []).map(({ mask }) => mask);
    const tuple = fc.tuple(...masks.map((mask) => value.map((v) => v & mask)));
    return fc.record({
      abi: fc.constant(abi),
      call: fc.constant(call),
      tuples: fc.uniqueArray(tuple, { minLength: 1, maxLength: 6, selector: String }),
      overflow: fc.constantFrom(0, 0, 0, 1),
      phases: fc.constantFrom<('runtime' | 'steady')[]>(
        ['steady'],
        ['runtime'],
        ['runtime', 'steady'],
      ),
    });
  });
  return fc.oneof({ weight: 1, arbitrary: plain }, { weight: 3, arbitrary: ruled });
}

const recording = fc
  .uniqueArray(fc.oneof({ weight: 5, arbitrary: callOf('x86_64') }, callOf('i386')), {
    selector: ({ abi, call }) => `${abi} ${call}`,
    maxLength: 25,
  })
  .map((calls) =>
    makeRecording(
      makeRun(['read', ...calls.filter(({ abi, call }) => call !== 'read' || abi !== 'x86_64')]),
    ),
  );

const options: fc.Arbitrary<Partial<MinimiseOptions>> = fc.record({
  args: fc.constantFrom('none', 'safe', 'strict'),
  portable: fc.boolean(),
  defaultAction: fc.constantFrom('errno', 'log', 'kill'),
  engineDefaults: fc.constantFrom(null, []),
  without: fc.subarray(
    // What these give, the proof asks for.
    PASS_NAMES.filter((name) => name !== 'architectures' && name !== 'ceiling'),
    { maxLength: 2 },
  ),
});

test('whatever was recorded and asked for: sufficient and minimal, on the compiled filters', () => {
  fc.assert(
    fc.property(recording, options, (recorded, chosen) => {
      const { profile, evidence } = made(recorded, chosen);
      const { findings, sufficient, minimal } = proof(profile, recorded, evidence);
      expect(findings).toEqual([]);
      expect([sufficient, minimal]).toEqual([true, true]);
    }),
    { numRuns: RUNS },
  );
});

const permits = ({ action }: Rule) => action === 'SCMP_ACT_ALLOW';

test('an alternative more, or a needed one less, and the right verdict falls', () => {
  fc.assert(
    fc.property(recording, fc.nat(), fc.constantFrom('safe', 'strict'), (recorded, at, args) => {
      const { profile, evidence } = made(recorded, { args });
      const allowed = profile.syscalls.filter(permits);
      const dropped = allowed[at % allowed.length] as Rule;
      const name = dropped.names[at % dropped.names.length] as string;
      const syscalls = profile.syscalls.flatMap((rule): Rule[] => {
        const kept = rule === dropped ? rule.names.filter((other) => other !== name) : rule.names;
        return kept.length === 0 ? [] : [{ ...rule, names: kept }];
      });
      const less = proof({ ...profile, syscalls }, recorded, evidence, false);
      // Needed: some recorded call has no other way to pass.
      const why = evidence.calls
        .filter((call) => call.name === name)
        .flatMap((call) => (call.alternatives ?? [call]).map((part) => part.why));
      const exact = why.every((reasons) => !reasons.includes('generalised'));
      const observed = why.every((reasons) => reasons.includes('observed'));
      if (exact && observed) expect(less.sufficient).toBe(false);
      expect([name, less.findings.filter(({ verdict }) => verdict === 'minimal')]).toEqual([
        name,
        [],
      ]);

      const wider = [
        { names: ['kexec_load'], action: 'SCMP_ACT_ALLOW' as const, args: [] },
        {
          names: ['bpf'],
          action: 'SCMP_ACT_ALLOW' as const,
          args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ' as const, value: 0xffffffffn, valueTwo: 5n }],
        },
      ][at % 2] as Rule;
      const more = proof(
        { ...profile, syscalls: [...profile.syscalls, wider] },
        recorded,
        evidence,
        false,
      );
      expect([more.sufficient, more.minimal]).toEqual([true, false]);
    }),
    { numRuns: RUNS },
  );
});

test('a call of i386 whose number libseccomp hides from runc passes under runc too', () => {
  const recorded = makeRecording(
    makeRun(['read', { abi: 'i386', call: 'shmat', phases: ['runtime'] }]),
  );
  const without = made(recorded, { without: ['fallback', 'ceiling'] });
  const { findings } = proof(without.profile, recorded, without.evidence);
  expect(findings.map(({ runtime, message }) => [runtime, message])).toEqual([
    ['runc', 'recorded, but answered errno 38: i386 shmat()'],
  ]);
  const whole = made(recorded, { without: ['fallback'] });
  expect(proof(whole.profile, recorded, whole.evidence).findings).toEqual([]);
});

describe('counter-examples', () => {
  const INT = 0xffffffffn;
  const eq = (index: number, value: bigint) => ({
    index,
    op: 'SCMP_CMP_MASKED_EQ' as const,
    value: INT,
    valueTwo: value,
  });
  const recorded = makeRecording(
    makeRun([
      'read',
      { call: 'socket', tuples: [[2n, 1n, 0n]] },
      { call: 'clone3', tuples: [[0x3d0f00n]] },
    ]),
  );
  const { profile, evidence } = made(recorded);
  const changed = (syscalls: Rule[]) => proof({ ...profile, syscalls }, recorded, evidence);

  test('a refused call is shown with its arguments', () => {
    const rules = profile.syscalls.filter(
      (rule) => !(rule.names.includes('socket') && rule.args[0]?.valueTwo === 2n),
    );
    const { sufficient, findings } = changed(rules);
    expect(sufficient).toBe(false);
    expect(findings[0]?.message).toBe('recorded, but answered errno 1: x86_64 socket(0x2, 0x1)');
  });

  test('a fallback holds only while what is fallen back to passes', () => {
    const { findings } = changed(profile.syscalls.filter((rule) => !rule.names.includes('clone')));
    expect(findings[0]?.message).toMatch(/recorded, but answered errno 38: x86_64 clone3/);
  });

  test('a domain too many, a rule that others hold already, an ABI too many', () => {
    const alg = { names: ['socket'], action: 'SCMP_ACT_ALLOW' as const, args: [eq(0, 38n)] };
    const { minimal, findings } = changed([...profile.syscalls, alg]);
    expect(minimal).toBe(false);
    expect(findings.map(({ message }) => message)).toEqual([
      'permitted, and nothing accounts for it: x86_64 socket(0x26)',
      'socket with arg0 & 0xffffffff == 0x26: no recorded call has these arguments',
    ]);
    const idle = {
      names: ['socket'],
      action: 'SCMP_ACT_ALLOW' as const,
      args: [eq(0, 10n), eq(1, 1n)],
    };
    expect(changed([...profile.syscalls, idle]).findings.map(({ message }) => message)).toEqual([
      'socket with arg0 & 0xffffffff == 0xa, arg1 & 0xffffffff == 0x1: permits nothing that others do not',
    ]);
    const architectures: Profile['architectures'] = [...profile.architectures, 'SCMP_ARCH_X86'];
    const i386 = proof({ ...profile, architectures }, recorded, evidence);
    expect(i386).toMatchObject({ sufficient: true, minimal: false });
  });

  test('without evidence nothing beyond the recorded arguments is accounted for', () => {
    const { sufficient, minimal, findings } = proof(profile, recorded, null);
    expect([sufficient, minimal]).toEqual([false, false]);
    expect(findings.map(({ message }) => message).join()).toMatch(/x86_64 socket\(0xa\)|clone\(/);
  });
});
