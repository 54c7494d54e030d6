import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import {
  type Baseline,
  DEFAULT_OPTIONS,
  type MinimiseOptions,
  minimise,
  parseBaseline,
} from '../../src/minimise';
import { answerOf, policyOfProfile } from '../../src/policy';
import { parseProfile, serializeProfile } from '../../src/profile';
import type { Run } from '../../src/recording';
import {
  ABIS,
  type Abi,
  essentials,
  FALLBACKS,
  names,
  riskTier,
  syscallNumber,
} from '../../src/tables';
import { type CallSpec, makeRecording, makeRun } from '../support/recordings';

function baseline(
  runtime: string,
  runtimeVersion: string,
  calls: string[],
  abi: Abi = 'x86_64',
): Baseline {
  const condition = { start: 'create' as const, tty: false, user: false, noNewPrivileges: false };
  return {
    version: 1,
    runtime,
    runtimeVersion,
    conditions: [{ ...condition, starts: 50, calls: calls.map((name) => ({ abi, name })) }],
  };
}
const RUNC = baseline('runc', '1.1.5', ['capset', 'execve', 'futex']);
const CRUN = baseline('crun', '1.8.1', ['execve', 'setresgid']);

function make(runs: Run | Run[], options: Partial<MinimiseOptions> = {}, baselines = [RUNC, CRUN]) {
  const recordings = [makeRecording(...[runs].flat())];
  const result = minimise({ recordings, baselines, options: { ...DEFAULT_OPTIONS, ...options } });
  const named = (action: string) =>
    result.profile.syscalls.filter((rule) => rule.action === action).flatMap((rule) => rule.names);
  const pass = (name: string) => {
    const found = result.report.find((report) => report.pass === name);
    if (found === undefined) throw new Error(`no pass ${name}`);
    return found;
  };
  return {
    ...result,
    allowed: named('SCMP_ACT_ALLOW'),
    enosys: named('SCMP_ACT_ERRNO'),
    pass,
    warnings: result.report.flatMap(({ warnings }) => warnings),
    why: (name: string) => result.evidence.find((call) => call.name === name)?.why,
  };
}

function failure(run: () => unknown): SysieveError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('did not fail');
}

const NONE = { runtimes: 'none' } as const;
const X86_64_ESSENTIALS = essentials('x86_64').map(({ name }) => name);

test('without a runtime: exactly what was observed, and the essentials', () => {
  const { allowed, profile, warnings } = make(makeRun(['read', 'write']), NONE);
  expect(allowed).toEqual([...new Set(['read', 'write', ...X86_64_ESSENTIALS])].sort());
  expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64']);
  expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
  expect(profile.defaultErrnoRet).toBe(1);
  expect(warnings).toEqual([]);
});

describe('phases', () => {
  const run = makeRun([
    'read',
    { call: 'capset', phases: ['runtime'] },
    { call: 'chdir', phases: ['runtime', 'startup'] },
    { call: 'fchown', phases: ['exec'] },
  ]);

  test('what the runtime shares with the application is observed', () => {
    expect(make(run).why('chdir')).toEqual(['observed']);
  });

  test('a runtime’s call in a baseline is from the baseline', () => {
    const { why, warnings, pass } = make(
      makeRun(['read', { call: 'capset', phases: ['runtime'] }]),
    );
    expect(why('capset')).toEqual(['runtime']);
    expect(warnings).toEqual([]);
    expect(pass('runtime').added.find(({ name }) => name === 'capset')?.reason).toContain(
      'runc@1.1.5',
    );
  });

  test('a runtime’s call in no baseline is added, marked and reported', () => {
    const { why, warnings } = make(run);
    expect(why('fchown')).toEqual(['runtime']);
    expect(warnings.join()).toMatch(/recorded from the runtime, in no baseline chosen.*fchown/);
  });

  test('a runtime’s call that was only denied is not added', () => {
    const { allowed } = make(
      makeRun(['read', { call: 'fchown', phases: ['runtime'], denied: { '1': 1 } }]),
    );
    expect(allowed).not.toContain('fchown');
  });

  test('a call without phases is the application’s', () => {
    expect(make(makeRun([{ call: 'read', phases: [] }])).why('read')).toEqual(['observed']);
  });
});

describe('denied calls', () => {
  test('only ever denied: not permitted; sometimes: permitted', () => {
    const { allowed, pass } = make(
      makeRun([
        'read',
        { call: 'mkdir', count: 2, denied: { '1': 2 } },
        { call: 'rmdir', count: 3, denied: { '1': 2 } },
      ]),
      NONE,
    );
    expect(allowed).toContain('rmdir');
    expect(allowed).not.toContain('mkdir');
    expect(pass('denied').removed).toEqual([
      { abi: 'x86_64', name: 'mkdir', reason: 'only ever denied, with errno 1' },
    ]);
  });

  test('denied in one run and passed in another: permitted', () => {
    const denying = makeRun([{ call: 'mkdir', denied: { '1': 1 } }], { id: 'aaaaaaaa' });
    const passing = makeRun(['mkdir'], { id: 'bbbbbbbb' });
    expect(make([denying, passing], NONE).allowed).toContain('mkdir');
  });

  test('under a default that kills, what the application did without is named', () => {
    const run = makeRun([
      'read',
      { call: 'mkdir', denied: { '1': 1 } },
      { call: 'mseal', denied: { '38': 1 } },
      { call: 'clone3', denied: { '1': 1 } },
      { call: 'ptrace', denied: { '0': 1 } },
      { call: 'socket', tuples: [[1n, 1n, 0n]], denied: { '97': 1 } },
      { call: 'rmdir', count: 3, denied: { '1': 2 } },
    ]);
    const killing = (options: Partial<MinimiseOptions>) =>
      make(run, { ...NONE, ...options }).warnings.filter((line) => line.includes('kills'));
    expect(killing({ defaultAction: 'kill' })).toEqual([
      expect.stringContaining('went on: mkdir, ptrace, socket with some arguments. '),
    ]);
    expect(killing({ defaultAction: 'kill', args: 'none' })).toEqual([
      expect.stringContaining('went on: mkdir, ptrace. '),
    ]);
    expect(killing({})).toEqual([]);
  });

  test('--allow lets a recorded denied call in', () => {
    const run = makeRun(['read', { call: 'mkdir', denied: { '1': 1 } }]);
    expect(make(run, { ...NONE, allow: ['mkdir'] }).allowed).toContain('mkdir');
  });
});

describe('risk tiers', () => {
  const run = makeRun(['read', 'ptrace', { call: 'unshare', executables: [1] }, 'chroot']);

  test('tiers 1 and 2 stay out, loudly; tier 3 enters', () => {
    const { allowed, warnings } = make(run, NONE);
    expect(allowed).not.toContain('ptrace');
    expect(allowed).not.toContain('unshare');
    expect(allowed).toContain('chroot');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('left out: ptrace (risk tier 1), made by /usr/bin/web');
    expect(warnings[1]).toContain('left out: unshare (risk tier 2), made by /usr/bin/helper');
  });

  test('--allow and a justification let them in', () => {
    const { allowed, warnings } = make(run, {
      ...NONE,
      allow: ['ptrace'],
      justifications: { unshare: 'the sandbox of the renderer' },
    });
    expect(allowed).toEqual(expect.arrayContaining(['ptrace', 'unshare']));
    expect(warnings).toEqual([
      'ptrace: with every argument: its arguments were not recorded',
      'unshare: with every argument: its arguments were not recorded',
    ]);
  });

  test('a baseline cannot bring them in either', () => {
    const { allowed, warnings } = make(makeRun(['read']), {}, [
      baseline('odd', '1', ['execve', 'mount']),
    ]);
    expect(allowed).toContain('execve');
    expect(allowed).not.toContain('mount');
    expect(warnings.join()).toContain('left out: mount (risk tier 2; baseline of odd@1)');
  });

  test('--allow adds nothing that was not recorded, and says so', () => {
    const { allowed, warnings } = make(makeRun(['read']), { ...NONE, allow: ['bpf'] });
    expect(allowed).not.toContain('bpf');
    expect(warnings).toEqual(['--allow bpf: not recorded from the application, so not added']);
  });

  test('--allow of no call is a usage error', () => {
    expect(failure(() => make(run, { allow: ['reed'] }))).toMatchObject({
      kind: 'usage',
      code: 'allow-unknown',
    });
  });
});

describe('fallbacks', () => {
  test('what was not observed is answered ENOSYS', () => {
    const { enosys, profile, why } = make(makeRun(['read', 'clone', 'statx']), NONE);
    expect(enosys).toEqual(expect.arrayContaining(['clone3', 'faccessat2', 'rseq']));
    expect(enosys).not.toContain('statx');
    expect(enosys).not.toContain('clock_gettime64');
    expect(profile.syscalls.find((rule) => rule.action === 'SCMP_ACT_ERRNO')?.errnoRet).toBe(38);
    expect(why('clone3')).toEqual(['fallback']);
  });

  test('only denied counts as not observed', () => {
    const { enosys, allowed } = make(
      makeRun(['clone', { call: 'clone3', denied: { '38': 1 } }]),
      NONE,
    );
    expect(enosys).toContain('clone3');
    expect(allowed).not.toContain('clone3');
  });

  test('what was recorded as answered ENOSYS is answered so again, and under no ABI but its own', () => {
    const { enosys, allowed, why, pass } = make(
      makeRun([
        'read',
        { call: 'landlock_create_ruleset', denied: { '38': 2 } },
        { call: 'keyctl', denied: { '1': 1 } },
        { abi: 'x32', call: 'getpid', denied: { '38': 1 } },
      ]),
      NONE,
    );
    expect(enosys).toContain('landlock_create_ruleset');
    expect(why('landlock_create_ruleset')).toEqual(['fallback']);
    expect(pass('fallback').added).toContainEqual({
      abi: 'x86_64',
      name: 'landlock_create_ruleset',
      reason: 'recorded as answered ENOSYS, by a filter that did not know it',
    });
    expect(enosys).not.toContain('keyctl');
    expect([...enosys, ...allowed]).not.toContain('getpid');
  });

  test('naming a new call leaves those below it to ENOSYS, which runc answers above the largest', () => {
    const { profile } = make(makeRun(['read', { call: 'mseal', denied: { '38': 1 } }]), NONE);
    const { profile: without } = make(makeRun(['read']), NONE);
    const numbers = [453, 460, 461, 462, 463, 470];
    const answers = (of: typeof profile) => {
      const policy = policyOfProfile(of, { runtime: 'runc', machine: 'x86_64' });
      return numbers.map((nr) => answerOf(policy, { arch: 0xc000003e, nr }));
    };
    expect(answers(profile)).toEqual(answers(without));
    const crun = policyOfProfile(profile, { runtime: 'crun', machine: 'x86_64' });
    expect(answerOf(crun, { arch: 0xc000003e, nr: 462 })).toEqual({ action: 'errno', data: 38 });
  });

  test('clone3 that passed stays, and that is said', () => {
    const { enosys, allowed, warnings } = make(makeRun(['clone', 'clone3']), NONE);
    expect(allowed).toContain('clone3');
    expect(enosys).not.toContain('clone3');
    expect(warnings.join()).toContain('clone3 was seen to pass');
  });

  test('what a baseline permits is not answered ENOSYS', () => {
    const { enosys, allowed } = make(makeRun(['read']), {}, [
      baseline('runc', '1.3.3', ['execve', 'openat2']),
    ]);
    expect(allowed).toContain('openat2');
    expect(enosys).not.toContain('openat2');
  });

  test('none are needed where the default is ENOSYS', () => {
    const { enosys, profile } = make(makeRun(['read']), { ...NONE, denyErrno: 38 });
    expect(enosys).toEqual([]);
    expect(profile.defaultErrnoRet).toBe(38);
  });
});

describe('ABIs', () => {
  test('i386 where i386 was seen, with its own essentials', () => {
    const { profile, allowed, pass } = make(
      makeRun(['read', { abi: 'i386', call: 'socketcall' }]),
      NONE,
    );
    expect(profile.architectures).toEqual(['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64']);
    expect(allowed).toEqual(expect.arrayContaining(['socketcall', 'sigreturn', 'clock_gettime64']));
    expect(pass('architectures').notes.join()).toContain('i386 also gets read');
  });

  test('an ABI with only denied calls is not listed', () => {
    const { profile } = make(
      makeRun([
        'read',
        { abi: 'i386', call: 'getpid', denied: { '0': 1 } },
        { abi: 'x32', call: 'getpid', phases: ['exec'], denied: { '38': 1 } },
      ]),
      NONE,
    );
    expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64']);
  });

  test('the runtime’s ABI is listed though the application is i386', () => {
    const { profile } = make(makeRun([{ abi: 'i386', call: 'read' }]));
    expect(profile.architectures).toEqual(['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64']);
  });

  test('the same number under two ABIs is two calls', () => {
    const { allowed } = make(
      makeRun([
        { abi: 'i386', call: 4 },
        { abi: 'x86_64', call: 4 },
      ]),
      NONE,
    );
    expect(allowed).toEqual(expect.arrayContaining(['write', 'stat']));
  });

  test('a number without a name is reported, not permitted', () => {
    const { warnings, pass } = make(makeRun(['read', { call: 400, executables: [1] }]), NONE);
    expect(warnings).toEqual([
      'x86_64 number 400 has no name and cannot be permitted; made by /usr/bin/helper',
    ]);
    expect(pass('names').removed).toEqual([
      { abi: 'x86_64', name: '#400', reason: 'no table names this number' },
    ]);
  });
});

describe('runtimes', () => {
  const run = makeRun(['read']);
  test('the union by default', () => {
    expect(make(run).allowed).toEqual(expect.arrayContaining(['capset', 'setresgid']));
  });
  test.each([
    [['runc'], true, false],
    [['runc@1.1.5'], true, false],
    [['crun'], false, true],
    [['crun', 'runc'], true, true],
    ['none' as const, false, false],
  ])('%s', (runtimes, runc, crun) => {
    const { allowed } = make(run, { runtimes });
    expect([allowed.includes('capset'), allowed.includes('setresgid')]).toEqual([runc, crun]);
  });
  test('an unknown one is a usage error that says which are known', () => {
    const error = failure(() => make(run, { runtimes: ['runc@9'] }));
    expect(error).toMatchObject({ kind: 'usage', code: 'runtime-unknown' });
    expect(error.remedy).toContain('crun@1.8.1, runc@1.1.5');
  });
  test('no baseline at all is an error unless none is asked for', () => {
    expect(failure(() => make(run, {}, []))).toMatchObject({
      kind: 'system',
      code: 'baseline-missing',
    });
    expect(make(run, NONE, []).allowed).toContain('read');
  });
  test('a machine that no baseline was measured on is an error', () => {
    const arm = makeRun([{ abi: 'aarch64', call: 'read' }], {
      host: { kernel: '6.1', machine: 'aarch64', runtime: null },
    });
    expect(failure(() => make(arm))).toMatchObject({ kind: 'system', code: 'baseline-missing' });
  });
  test('a malformed baseline is refused with its place', () => {
    const text = JSON.stringify({ ...RUNC, runtimeVersion: '' }, null, 1);
    expect(failure(() => parseBaseline(text, 'b.json')).message).toMatch(
      /^b\.json:4:20: .*runtimeVersion/,
    );
    expect(parseBaseline(JSON.stringify(RUNC), 'b.json')).toEqual(RUNC);
  });
});

describe('incomplete recordings', () => {
  const late = makeRun(['read'], {
    id: 'aaaaaaaa',
    missed: { startsSeen: 0, attachedLate: { targetAgeMs: 5200 } },
  });
  const lossy = makeRun(['read'], { id: 'bbbbbbbb', missed: { callsLost: 3, tasksLost: 1 } });

  test('are refused, saying for each run what is missing', () => {
    const error = failure(() => make([late, lossy, makeRun(['read'])], NONE));
    expect(error).toMatchObject({ kind: 'incomplete', code: 'recording-incomplete', exitCode: 5 });
    expect(error.message).toContain(
      'run aaaaaaaa (container web): no start of the target was seen, attached 5.2 s after it',
    );
    expect(error.message).toContain(
      'run bbbbbbbb (container web): 3 calls lost; 1 tasks over the limit',
    );
    expect(error.message).not.toContain('00000000');
    expect(error.remedy).toContain('--allow-incomplete');
  });

  test('are taken on request, with a warning each', () => {
    const { warnings, allowed } = make([late, lossy], { ...NONE, allowIncomplete: true });
    expect(allowed).toContain('read');
    expect(warnings).toHaveLength(2);
  });
});

test.each([
  ['no run', []],
  ['no call', [makeRun([])]],
  ['only the runtime', [makeRun([{ call: 'execve', phases: ['runtime'] }])]],
  ['only denied', [makeRun([{ call: 'read', denied: { '1': 1 } }])]],
])('%s makes no profile', (_what, runs) => {
  expect(failure(() => make(runs))).toMatchObject({ kind: 'input', code: 'recording-empty' });
});

test.each([
  ['log', 'SCMP_ACT_LOG'],
  ['kill', 'SCMP_ACT_KILL_PROCESS'],
] as const)('default %s has no errno', (defaultAction, action) => {
  const { profile } = make(makeRun(['read']), { ...NONE, defaultAction });
  expect(profile.defaultAction).toBe(action);
  expect(profile).not.toHaveProperty('defaultErrnoRet');
});

test('evidence names executables and phases, and no counts', () => {
  const { evidence } = make(
    makeRun([{ call: 'read', count: 77, phases: ['steady', 'startup'], executables: [1, 0] }]),
    NONE,
  );
  expect(evidence.find(({ name }) => name === 'read')).toEqual({
    abi: 'x86_64',
    name: 'read',
    action: 'SCMP_ACT_ALLOW',
    errnoRet: null,
    why: ['observed'],
    executables: ['/usr/bin/helper', '/usr/bin/web'],
    phases: ['startup', 'steady'],
  });
});

const spec: fc.Arbitrary<CallSpec> = fc
  .constantFrom('x86_64' as const, 'i386' as const)
  .chain((abi) =>
    fc.record({
      abi: fc.constant(abi),
      call: fc.constantFrom(...names(abi)),
      count: fc.integer({ min: 1, max: 3 }),
      denied: fc.constantFrom<Record<string, number>>({}, { '1': 1 }, { '38': 1 }),
      phases: fc.subarray(['runtime', 'exec', 'startup', 'steady'], { minLength: 1 }),
    }),
  );

test('whatever is recorded: sufficient, explained, stable', () => {
  const specs = fc.uniqueArray(spec, {
    selector: ({ abi, call }) => `${abi} ${call}`,
    maxLength: 40,
  });
  fc.assert(
    fc.property(specs, (calls) => {
      const runs = [
        makeRun([
          { call: 'read' },
          ...calls.filter((c) => c.call !== 'read' || c.abi !== 'x86_64'),
        ]),
      ];
      const { profile, evidence, excluded, allowed, enosys, report } = make(runs);
      // Sufficient: each application call that passed is permitted, or was left out with a warning.
      for (const { call, abi, count = 1, denied = {}, phases = [] } of calls) {
        const name = call as string;
        const passed = count > Object.keys(denied).length;
        if (!passed || !phases.some((phase) => phase === 'startup' || phase === 'steady')) continue;
        const beyond = excluded.some((call) => call.abi === abi && call.name === name);
        if ((riskTier(name) ?? 3) < 3 || beyond) {
          expect(report.flatMap(({ warnings }) => warnings).join()).toContain(`left out: ${name}`);
        } else {
          expect(allowed).toContain(name);
          expect(evidence).toContainEqual(expect.objectContaining({ abi, name }));
        }
      }
      // Minimal: each name has a reason, and no dangerous one came unasked.
      for (const name of allowed) {
        expect((riskTier(name) ?? 3) === 3).toBe(true);
        expect(evidence.some((call) => call.name === name && call.why.length > 0)).toBe(true);
        expect(ABIS.some((abi) => syscallNumber(abi, name) !== null)).toBe(true);
      }
      const told = calls.filter(({ denied = {} }) => '38' in denied).map(({ call }) => call);
      for (const name of enosys) {
        expect(allowed).not.toContain(name);
        const below = told.some((call) =>
          ABIS.some((abi) => {
            const number = syscallNumber(abi, name);
            return number !== null && number <= (syscallNumber(abi, call as string) ?? 0);
          }),
        );
        expect(FALLBACKS.some((fallback) => fallback.name === name) || below).toBe(true);
      }
      const bytes = serializeProfile(profile);
      expect(serializeProfile(parseProfile(bytes, 'p'))).toBe(bytes);
      const reversed = runs.map((run) => ({ ...run, calls: [...run.calls].reverse() }));
      expect(serializeProfile(make(reversed).profile)).toBe(bytes);
    }),
    { numRuns: 200 },
  );
});
