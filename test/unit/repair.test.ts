/** deniedCalls and repair on runs made by hand: which calls enter, with which arguments, and why not. */
import { compile } from '../../src/libseccomp';
import { DEFAULT_OPTIONS, minimise } from '../../src/minimise';
import { findCall, isPassing, policyOfProfile } from '../../src/policy';
import { EVIDENCE_VERSION, type Evidence, type Profile } from '../../src/profile';
import type { Call, Run } from '../../src/recording';
import { deniedCalls } from '../../src/staging/denied';
import { repair } from '../../src/staging/repair';
import { syscallNumber } from '../../src/tables';
import { makeRecording, makeRun } from '../support/recordings';

const base = minimise({
  recordings: [makeRecording(makeRun(['read', 'write', 'exit_group']))],
  baselines: [],
  options: { ...DEFAULT_OPTIONS, runtimes: 'none', engineDefaults: [] },
});
const evidence: Evidence = {
  version: EVIDENCE_VERSION,
  calls: base.evidence,
  excluded: [],
  justifications: { keyctl: 'its keyring' },
};

/** The run of `names`, each denied twice with EPERM, with these arguments where given. */
function deniedRun(
  names: Readonly<Record<string, readonly (readonly string[])[] | null>>,
  errno = 1,
  count = 2,
): Run {
  const run = makeRun(Object.keys(names));
  const calls = run.calls.map((call): Call => {
    const tuples = names[call.name ?? ''];
    const args =
      tuples === null || tuples === undefined
        ? undefined
        : {
            indexes: call.args?.indexes ?? [0, 1, 2].slice(0, tuples[0]?.length),
            tuples: tuples.map((values) => ({ values: [...values], count })),
            overflow: 0,
            unreadable: 0,
          };
    const denied = { count: 2, errnos: { [errno]: 2 }, ...(args === undefined ? {} : { args }) };
    return { ...call, count: 2, denied };
  });
  return { ...run, calls };
}

function repaired(run: Run, more: { allow?: string[]; profile?: Profile } = {}) {
  const profile = more.profile ?? base.profile;
  return repair({
    profile,
    evidence,
    run,
    denied: deniedCalls(run, profile).filter(({ fallback }) => !fallback),
    recordings: [],
    baselines: [],
    machine: 'x86_64',
    compile: (made) => ({
      runc: compile(made, { native: 'kept', enosys: 'listed' }),
      crun: compile(made, { native: 'kept', enosys: false }),
    }),
    allow: more.allow ?? [],
    args: 'safe',
    engineDefaults: [],
  });
}

function passes(profile: Profile, name: string, ...values: bigint[]): boolean {
  const policy = policyOfProfile(profile, { runtime: 'runc', machine: 'x86_64' });
  const number = syscallNumber('x86_64', name) ?? -1;
  const constraints = values.map((value, index) => ({ index, mask: 0xffff_ffffn, value }));
  return findCall(policy, { abi: 'x86_64', number, constraints }, isPassing) !== null;
}

test("the profile's own ENOSYS is a fallback; another answer to the same call is not", () => {
  const [own] = deniedCalls(deniedRun({ clone3: null }, 38), base.profile);
  expect(own).toMatchObject({ name: 'clone3', fallback: true, count: 2, arguments: null });
  const [other] = deniedCalls(deniedRun({ clone3: null }, 1), base.profile);
  expect(other?.fallback).toBe(false);
  // Another call answered ENOSYS, e.g. by runc for numbers that the profile does not know.
  const [unknown] = deniedCalls(deniedRun({ mkdir: null }, 38), base.profile);
  expect(unknown?.fallback).toBe(false);
});

test('arguments are told where they are recorded', () => {
  const [call] = deniedCalls(deniedRun({ socket: [['0x2', '0x1', '0x0']] }), base.profile);
  expect(call?.arguments).toEqual(['arg0=0x2, arg1=0x1, arg2=0x0']);
});

test('a denied call enters, and nothing else; its evidence says who made it', () => {
  const {
    profile,
    added,
    leftOut,
    changed,
    evidence: after,
  } = repaired(deniedRun({ mkdir: null }));
  expect({ added, leftOut, changed }).toEqual({ added: ['mkdir'], leftOut: [], changed: true });
  expect(passes(profile, 'mkdir')).toBe(true);
  expect(passes(profile, 'rmdir')).toBe(false);
  expect(passes(profile, 'read')).toBe(true);
  expect(after?.justifications).toEqual({ keyctl: 'its keyring' });
  expect(after?.calls.find(({ name }) => name === 'mkdir')?.why).toEqual(['observed']);
});

test('with its arguments alone, where they are known', () => {
  const { profile } = repaired(deniedRun({ socket: [['0x2', '0x1', '0x0']] }));
  expect(passes(profile, 'socket', 2n, 1n, 0n)).toBe(true);
  expect(passes(profile, 'socket', 16n, 3n, 0n)).toBe(false);
});

test('arguments that are known of some attempts only permit nothing', () => {
  const { leftOut, changed } = repaired(deniedRun({ socket: [['0x2', '0x1', '0x0']] }, 1, 1));
  expect(leftOut).toEqual([{ name: 'socket', reason: 'not all of its arguments are known' }]);
  expect(changed).toBe(false);
});

test('unknown arguments, risk tiers and numbers without a name stay denied unless asked for', () => {
  const run = deniedRun({ socket: null, ptrace: null, mkdir: null });
  const { leftOut, added, profile } = repaired(run);
  expect(added).toEqual(['mkdir']);
  expect(leftOut).toEqual([
    { name: 'socket', reason: 'its arguments are not known' },
    { name: 'ptrace', reason: 'risk tier 1' },
  ]);
  expect(passes(profile, 'ptrace')).toBe(false);
  expect(repaired(run, { allow: ['ptrace', 'socket'] }).added).toEqual([
    'mkdir',
    'ptrace',
    'socket',
  ]);
  // Written by a person into the evidence: as good as --allow.
  expect(repaired(deniedRun({ keyctl: null })).added).toContain('keyctl');
});

test('clone3 is answered ENOSYS, never permitted', () => {
  const bare: Profile = {
    ...base.profile,
    syscalls: base.profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW'),
  };
  const { profile, added } = repaired(deniedRun({ clone3: null }), { profile: bare });
  expect(added).toEqual(['clone3']);
  expect(passes(profile, 'clone3')).toBe(false);
  const rule = profile.syscalls.find(({ names }) => names.includes('clone3'));
  expect(rule).toMatchObject({ action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
});

test('what another filter denied changes nothing', () => {
  expect(repaired(deniedRun({ read: null }))).toMatchObject({ changed: false, leftOut: [] });
});

test('the default answer of the profile stays', () => {
  const killing: Profile = { ...base.profile, defaultAction: 'SCMP_ACT_KILL_PROCESS' };
  delete (killing as { defaultErrnoRet?: number }).defaultErrnoRet;
  const { profile } = repaired(deniedRun({ mkdir: null }, 0), { profile: killing });
  expect(profile.defaultAction).toBe('SCMP_ACT_KILL_PROCESS');
});
