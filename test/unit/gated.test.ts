import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import { contains, policyOfProfile } from '../../src/policy';
import {
  defaultProfile,
  defaultVersions,
  type EngineContext,
  type GatedProfile,
  type Profile,
  parseGatedProfile,
  parseProfile,
  resolveGatedProfile,
  serializeProfile,
  unreadFields,
} from '../../src/profile';
import { ABIS, CAPABILITIES } from '../../src/tables';
import { gatedSample } from '../support/gated-sample';

const soak = process.env.SYSIEVE_SOAK === '1';

const DOCKER: EngineContext = {
  engine: 'docker',
  capabilities: ['CAP_CHOWN', 'CAP_KILL'],
  kernelVersion: '6.1.0-18-amd64',
  architecture: 'x86_64',
};
const PODMAN: EngineContext = { ...DOCKER, engine: 'podman' };

function parsed(document: object): GatedProfile {
  return parseGatedProfile(JSON.stringify(document), 'in.json');
}

/** The names that stay of rules called r0, r1, … with these gates. */
function kept(context: EngineContext, ...rules: object[]): string[] {
  const profile = parsed({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: rules.map((rule, at) => ({ names: [`r${at}`], action: 'SCMP_ACT_ALLOW', ...rule })),
  });
  return resolveGatedProfile(profile, context).syscalls.flatMap(({ names }) => names);
}

function refusal(run: () => unknown): SysieveError {
  try {
    run();
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('gates', () => {
  test('includes.caps wants all, excludes.caps any', () => {
    const rules = [
      { includes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } },
      { includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } },
      { excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_KILL'] } },
      { excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_SYS_TIME'] } },
      { includes: { caps: ['CAP_CHOWN'] }, excludes: { caps: ['CAP_KILL'] } },
      { includes: { caps: ['chown'] } },
      { includes: {}, excludes: { caps: [] } },
    ];
    expect(kept(DOCKER, ...rules)).toEqual(['r0', 'r3', 'r6']);
    expect(kept(PODMAN, ...rules)).toEqual(['r0', 'r3', 'r6']);
  });

  test('arches by the name libseccomp has for the native one', () => {
    const rules = [
      { includes: { arches: ['amd64', 'x32'] } },
      { includes: { arches: ['x86'] } },
      { includes: { arches: ['arm64'] } },
      { excludes: { arches: ['amd64'] } },
      { includes: { arches: ['x86_64'] } },
      { includes: { arches: ['x32'] } },
      { includes: { arches: ['arm'] } },
    ];
    const on = (architecture: EngineContext['architecture'], context = DOCKER) =>
      kept({ ...context, architecture }, ...rules);
    expect(on('x86_64')).toEqual(['r0']);
    expect(on('i386')).toEqual(['r1', 'r3']);
    expect(on('aarch64')).toEqual(['r2', 'r3']);
    expect(on('arm')).toEqual(['r3', 'r6']);
    expect(on('x32', PODMAN)).toEqual(['r0', 'r3', 'r5']);
    // No Docker is built for x32: none of its names is the native one.
    expect(on('x32')).toEqual(['r3']);
  });

  test('minKernel is Docker’s alone, and compares two numbers', () => {
    const rules = [
      { includes: { minKernel: '6.1' } },
      { includes: { minKernel: '6.2' } },
      { includes: { minKernel: '7.0' } },
      { includes: { minKernel: '5.19' } },
      { excludes: { minKernel: '6.1' } },
      { excludes: { minKernel: '6.10' } },
      { includes: { minKernel: '' } },
      { excludes: { minKernel: '' } },
    ];
    expect(kept(DOCKER, ...rules)).toEqual(['r0', 'r3', 'r5', 'r6']);
    expect(kept({ ...DOCKER, kernelVersion: '6.10-rc1' }, ...rules)).toEqual([
      ...['r0', 'r1', 'r3', 'r6'],
    ]);
    expect(kept(PODMAN, ...rules)).toEqual(rules.map((_, at) => `r${at}`));
  });
});

describe('fields that engines read apart', () => {
  const profile = parsed({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    defaultErrno: 'ENOSYS',
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    listenerPath: '/run/x',
    syscalls: [
      { name: 'acct', action: 'SCMP_ACT_ERRNO', errno: 'EXDEV', errnoRet: 5 },
      { names: ['bpf'], action: 'SCMP_ACT_ERRNO', errno: '77' },
      { names: ['kcmp'], action: 'SCMP_ACT_ERRNO', errno: '', errnoRet: 6 },
      { names: ['vhangup'], action: 'SCMP_ACT_ALLOW', excludes: { minKernel: '3.10' } },
    ],
  });
  const errnos = ({ syscalls }: Profile) => syscalls.map(({ errnoRet }) => errnoRet);

  test('Podman reads errno names first, Docker never', () => {
    const podman = resolveGatedProfile(profile, PODMAN);
    expect(podman.defaultErrnoRet).toBe(38);
    expect(errnos(podman)).toEqual([18, 77, 6, undefined]);
    const docker = resolveGatedProfile(profile, DOCKER);
    expect(docker.defaultErrnoRet).toBe(1);
    expect(errnos(docker)).toEqual([5, undefined, 6]);
    expect(docker.flags).toEqual(['SECCOMP_FILTER_FLAG_LOG']);
    expect(docker.listenerPath).toBe('/run/x');
  });

  test('Docker before 23.0 has no default errno, flags, listener', () => {
    const old = resolveGatedProfile(profile, { ...DOCKER, engineVersion: '20.10.24+dfsg1' });
    expect(Object.keys(old)).toEqual(['defaultAction', 'architectures', 'syscalls']);
    expect(resolveGatedProfile(profile, { ...DOCKER, engineVersion: '23.0.0' })).toEqual(
      resolveGatedProfile(profile, DOCKER),
    );
  });

  test('unreadFields names them', () => {
    expect(unreadFields(profile, PODMAN)).toEqual(['syscalls[3].excludes.minKernel']);
    const names = ['defaultErrno', 'syscalls[0].errno', 'syscalls[1].errno'];
    expect(unreadFields(profile, DOCKER)).toEqual(names);
    expect(unreadFields(profile, { ...DOCKER, engineVersion: '20.10.24' })).toEqual([
      ...['defaultErrno', 'defaultErrnoRet', 'flags', 'listenerPath'],
      ...['syscalls[0].errno', 'syscalls[1].errno'],
    ]);
  });

  test('archMap is looked up for what the engine maps, or architectures stay', () => {
    const map = (architecture: string) => ({ architecture, subArchitectures: ['SCMP_ARCH_X32'] });
    const mapped = parsed({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X86_64'].map(map),
    });
    const under = (context: EngineContext) => resolveGatedProfile(mapped, context).architectures;
    expect(under(DOCKER)).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32']);
    expect(under({ ...DOCKER, architecture: 'i386' })).toEqual(['SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
    expect(under({ ...PODMAN, architecture: 'i386' })).toEqual([]);
    expect(under({ ...DOCKER, architecture: 'aarch64' })).toEqual([]);
    const plain = parsed({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_ARM'] });
    expect(resolveGatedProfile(plain, DOCKER).architectures).toEqual(['SCMP_ARCH_ARM']);
  });
});

describe('reading', () => {
  test('null, absent and empty are one, and a plain profile is a gated one', () => {
    const nulls = parsed({
      ...{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: null, architectures: null },
      ...{ archMap: null, flags: null, listenerPath: null, listenerMetadata: null },
      syscalls: [
        {
          ...{ name: null, names: ['read'], action: 'SCMP_ACT_ALLOW', args: null, comment: null },
          ...{ includes: null, excludes: { caps: null, arches: null, minKernel: null } },
        },
      ],
    });
    const text = `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}`;
    expect(resolveGatedProfile(nulls, DOCKER)).toEqual(parseProfile(text, 'in.json'));
    expect(resolveGatedProfile(parseGatedProfile(text, ''), DOCKER)).toEqual(
      parseProfile(text, 'in.json'),
    );
  });

  test('a u64 stays exact', () => {
    const text = `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"],
      "action": "SCMP_ACT_ALLOW", "args": [{"index": 5, "value": 18446744073709551615,
      "valueTwo": 9007199254740993, "op": "SCMP_CMP_MASKED_EQ"}]}]}`;
    const [rule] = resolveGatedProfile(parseGatedProfile(text, ''), PODMAN).syscalls;
    expect(rule?.args).toEqual([
      {
        index: 5,
        value: 0xffff_ffff_ffff_ffffn,
        valueTwo: 9007199254740993n,
        op: 'SCMP_CMP_MASKED_EQ',
      },
    ]);
  });

  const rule = (fields: string) =>
    `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\n{"action": "SCMP_ACT_ALLOW", ${fields}}]}`;
  const top = (fields: string) => `{"defaultAction": "SCMP_ACT_ERRNO",\n${fields}}`;
  test.each([
    [rule('"names": ["a"], "name": "b"'), '2:39', '"name" or "names", not both'],
    [rule('"names": []'), '2:39', 'at least one name'],
    [rule('"comment": ""'), '2:1', 'at least one name'],
    [rule('"names": [""]'), '2:40', 'names[0]'],
    [rule('"names": ["a"], "includes": {"minKernel": "4"}'), '2:72', 'a kernel as "VERSION.MAJOR"'],
    [rule('"names": ["a"], "includes": {"minKernel": "4.8.1"}'), '2:72', 'a kernel as'],
    [rule('"names": ["a"], "includes": {"minKernel": "256.0"}'), '2:72', 'a kernel as'],
    [rule('"names": ["a"], "includes": {"minKernel": "0.0"}'), '2:72', 'a kernel as'],
    [rule('"names": ["a"], "includes": {"minKernel": "+4.8"}'), '2:72', 'a kernel as'],
    [rule('"names": ["a"], "includes": {"minKernel": 4.8}'), '2:72', 'expected string'],
    [rule('"names": ["a"], "excludes": {"caps": "CAP_KILL"}'), '2:67', 'expected array'],
    [rule('"names": ["a"], "excludes": {"cap": []}'), '2:59', 'excludes'],
    [rule('"names": ["a"], "includes": []'), '2:58', 'expected object'],
    [rule('"names": ["a"], "errno": "ENOSUCH"'), '2:55', 'the name of an errno'],
    [rule('"names": ["a"], "errno": "4294967296"'), '2:55', 'the name of an errno'],
    [rule('"names": ["a"], "errno": 1'), '2:55', 'expected string'],
    [rule('"names": ["a"], "errnoRet": 4294967296'), '2:58', 'errnoRet'],
    [rule('"names": ["a"], "errnoRet": -1'), '2:58', 'errnoRet'],
    [rule('"names": ["a"], "errnoRet": 1.5'), '2:58', 'errnoRet'],
    [rule('"names": ["a"], "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]'), '2:65', '5'],
    [
      rule(
        '"names": ["a"], "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]',
      ),
      '2:77',
      'from 0 to 18446744073709551615',
    ],
    [rule('"names": ["a"], "args": [null]'), '2:55', 'expected object'],
    [rule('"names": ["a"], "allow": true'), '2:46', 'allow'],
    [top('"syscalls": [null]'), '2:14', 'expected object'],
    [top('"syscalls": {}'), '2:13', 'expected array'],
    [top('"archMap": [{"architecture": "SCMP_ARCH_NATIVE"}]'), '2:30', 'architecture'],
    [
      top('"architectures": ["SCMP_ARCH_ARM"], "archMap": [{"architecture": "SCMP_ARCH_ARM"}]'),
      '2:48',
      '"architectures" or "archMap", not both',
    ],
    [top('"defaultErrno": "EPERM "'), '2:17', 'the name of an errno'],
    [top('"minKernel": "4.8"'), '2:1', 'minKernel'],
    ['{"syscalls": []}', '1:1', 'defaultAction'],
    ['[]', '1:1', 'expected object'],
    [top('"defaultAction": "SCMP_ACT_ALLOW"'), '2:1', 'expected each key once'],
    ['{"defaultAction": "SCMP_ACT_ERRNO",\n"syscalls": [', '2:14', 'ends too early'],
    ['', '1:1', 'the file is empty'],
  ])('%s is refused at %s', (text, place, words) => {
    const error = refusal(() => parseGatedProfile(text, 'in.json'));
    expect(error.exitCode).toBe(3);
    expect(error.message).toContain(`in.json:${place}: `);
    expect(error.message).toContain(words);
    expect(error.remedy).toBeTruthy();
  });

  test('what nests too deeply, or is anything at all, is refused or read', () => {
    const deep = '['.repeat(200_000);
    expect(refusal(() => parseGatedProfile(deep, 'in.json')).exitCode).toBe(3);
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(refusal(() => parseGatedProfile(text, 'in.json')).exitCode).toBe(3);
      }),
      { numRuns: soak ? 100_000 : 2_000 },
    );
  });

  test.each([
    [{ capabilities: ['SYS_ADMIN'] }, '"SYS_ADMIN" is no capability'],
    [{ kernelVersion: 'new' }, 'the kernel "new" is no version'],
    [{ engineVersion: 'latest' }, 'Docker\'s version "latest" is no version'],
  ])('a context with %p is refused', (part, message) => {
    const profile = parsed({ defaultAction: 'SCMP_ACT_ALLOW' });
    const error = refusal(() => resolveGatedProfile(profile, { ...DOCKER, ...part }));
    expect(error.message).toBe(message);
    expect(error.exitCode).toBe(3);
    expect(error.remedy).toBeTruthy();
  });
});

const version = fc
  .record({ major: fc.integer({ min: 3, max: 7 }), minor: fc.integer({ min: 0, max: 30 }) })
  .map(({ major, minor }) => (major === 3 ? `3.${10 + (minor % 10)}` : `${major}.${minor}`));
const someCapabilities = fc.subarray([...CAPABILITIES]);
const anyContext = fc.record({
  capabilities: someCapabilities,
  kernelVersion: version,
  architecture: fc.constantFrom(...ABIS),
});
const gate = fc.record(
  {
    caps: fc.subarray([...CAPABILITIES], { maxLength: 3 }),
    arches: fc.subarray(['amd64', 'x86', 'x32', 'arm', 'arm64', 's390x']),
    minKernel: version,
  },
  { requiredKeys: [] },
);
const gatedDocument = fc.record({
  defaultAction: fc.constant('SCMP_ACT_ERRNO'),
  syscalls: fc.array(
    fc.record(
      { names: fc.constant(['acct']), action: fc.constant('SCMP_ACT_ALLOW'), includes: gate },
      { requiredKeys: ['names', 'action'] },
    ),
    { maxLength: 12 },
  ),
});

describe('properties', () => {
  test('every file of the format resolves under every context, to a profile that can be written', () => {
    fc.assert(
      fc.property(gatedDocument, anyContext, (document, context) => {
        for (const engine of ['docker', 'podman'] as const) {
          const profile = resolveGatedProfile(parsed(document), { ...context, engine });
          const text = serializeProfile(profile);
          expect(serializeProfile(parseProfile(text, 'out.json'))).toBe(text);
        }
      }),
      { numRuns: soak ? 10_000 : 1_000 },
    );
  });

  test('more capabilities keep every included rule and drop excluded ones only', () => {
    const both = fc.array(fc.record({ includes: gate, excludes: gate }), { maxLength: 12 });
    fc.assert(
      fc.property(both, anyContext, someCapabilities, (gates, context, more) => {
        const rules = (filter: (at: number) => boolean, capabilities: string[]) =>
          new Set(
            kept({ ...DOCKER, ...context, capabilities }, ...gates).filter((name) =>
              filter(Number(name.slice(1))),
            ),
          );
        const all = [...new Set([...context.capabilities, ...more])];
        const unexcluded = (at: number) => !gates[at]?.excludes.caps?.length;
        const unincluded = (at: number) => !gates[at]?.includes.caps?.length;
        const [few, many] = [context.capabilities, all];
        const now = rules(unexcluded, many);
        for (const name of rules(unexcluded, few)) expect(now.has(name)).toBe(true);
        const before = rules(unincluded, few);
        for (const name of rules(unincluded, many)) expect(before.has(name)).toBe(true);
      }),
      { numRuns: soak ? 10_000 : 1_000 },
    );
  });
});

describe('defaults', () => {
  test('every known one resolves under every context', () => {
    const versions = defaultVersions();
    expect(versions.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(fc.constantFrom(...versions), anyContext, ({ engine, first, last }, context) => {
        const profile = defaultProfile(engine, first, context);
        expect(defaultProfile(engine, last, context)).toEqual(profile);
        expect(profile.syscalls.length).toBeGreaterThan(5);
        expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
      }),
      { numRuns: soak ? 10_000 : 1_000 },
    );
  });

  test('more capabilities never narrow one', () => {
    const machines = fc.constantFrom('x86_64', 'aarch64');
    fc.assert(
      fc.property(
        fc.constantFrom(...defaultVersions()),
        machines,
        version,
        someCapabilities,
        someCapabilities,
        ({ engine, first }, architecture, kernelVersion, some, more) => {
          const policy = (capabilities: readonly string[]) =>
            policyOfProfile(
              defaultProfile(engine, first, { capabilities, kernelVersion, architecture }),
              { runtime: 'runc', machine: architecture },
            );
          expect(contains(policy([...new Set([...some, ...more])]), policy(some))).toEqual({
            holds: true,
          });
        },
      ),
      { numRuns: soak ? 2_000 : 60 },
    );
  });

  test('releases have their own', () => {
    const context = { capabilities: [], kernelVersion: '6.1', architecture: 'x86_64' } as const;
    const names = (engine: 'docker' | 'podman', release?: string) =>
      defaultProfile(engine, release, context).syscalls.flatMap((rule) => rule.names);
    expect(names('docker', '20.10.24+dfsg1')).toContain('io_uring_setup');
    expect(names('docker', '24.0.9')).toContain('io_uring_setup');
    expect(names('docker', 'v25.0.0')).not.toContain('io_uring_setup');
    expect(names('docker')).not.toContain('io_uring_setup');
    expect(defaultProfile('docker', '20.10.24', context).defaultErrnoRet).toBeUndefined();
    expect(defaultProfile('docker', undefined, context).defaultErrnoRet).toBe(1);
    // AF_ALG (38) and AF_VSOCK (40) are left out.
    const sockets = defaultProfile('docker', undefined, context).syscalls.filter(
      (rule) => rule.names[0] === 'socket',
    );
    expect(sockets.map(({ args }) => args[0])).toEqual([
      { index: 0, op: 'SCMP_CMP_LT', value: 38n, valueTwo: 0n },
      { index: 0, op: 'SCMP_CMP_EQ', value: 39n, valueTwo: 0n },
      { index: 0, op: 'SCMP_CMP_GT', value: 40n, valueTwo: 0n },
    ]);
    // By Podman's version as by that of the containers/common it is built with.
    const profile = (release: string) => defaultProfile('podman', release, context);
    expect(profile('4.3.1')).toEqual(profile('0.50.1'));
    expect(profile('5.0.2')).toEqual(profile('0.58.2'));
    expect(profile('5.0.2')).not.toEqual(profile('4.9.5'));
    expect(profile('5.6.0')).toEqual(defaultProfile('podman', undefined, context));
  });

  test.each([
    ['docker', '19.03.15'],
    ['docker', '30.0.0'],
    ['podman', '3.3.0'],
    ['podman', '6.0.0'],
    ['podman', '0.30.0'],
  ] as const)('%s %s is not known, and is not guessed', (engine, release) => {
    const context = { capabilities: [], kernelVersion: '6.1', architecture: 'x86_64' } as const;
    const error = refusal(() => defaultProfile(engine, release, context));
    expect(error.message).toBe(`the default profile of ${engine} ${release} is not known`);
    expect(error.remedy).toMatch(/^Give a version of \d.* to \d.*, or the profile as a file\.$/);
    expect(error.exitCode).toBe(3);
  });

  const INSTALLED = '/usr/share/containers/seccomp.json';
  (existsSync(INSTALLED) ? test : test.skip)('that of this Podman is the installed file', () => {
    const text = readFileSync(INSTALLED, 'utf8');
    const file = parseGatedProfile(text, INSTALLED);
    const sorted = ({ syscalls, ...rest }: Profile) => ({
      ...rest,
      syscalls: syscalls.map((rule) => ({ ...rule, names: [...new Set(rule.names)].sort() })),
    });
    // Whichever release is installed, it is one of the table's.
    const same = defaultVersions().filter(
      ({ engine, first }) =>
        engine === 'podman' &&
        [[], CAPABILITIES, ['CAP_SYS_ADMIN'], ['CAP_AUDIT_WRITE']].every((capabilities) => {
          const context = { capabilities, kernelVersion: '6.1', architecture: 'x86_64' } as const;
          const own = defaultProfile('podman', first, context);
          const read = resolveGatedProfile(file, { ...context, engine: 'podman' });
          return serializeProfile(sorted(own)) === serializeProfile(sorted(read));
        }),
    );
    expect(same).toHaveLength(1);
  });

  test('the sample means something else to each engine', () => {
    const sample = parsed(gatedSample() as object);
    const text = (context: EngineContext) => serializeProfile(resolveGatedProfile(sample, context));
    const old = { ...DOCKER, engineVersion: '20.10.24' };
    expect(new Set([text(DOCKER), text(PODMAN), text(old)]).size).toBe(3);
  });
});
