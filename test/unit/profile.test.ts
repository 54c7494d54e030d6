import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import {
  canonicalProfile,
  type Profile,
  parseEvidence,
  parseProfile,
  profileJsonSchema,
  serializeEvidence,
  serializeProfile,
} from '../../src/profile';
import { OCI_ARCHES } from '../../src/tables';

function failure(input: string, parse: (text: string, source: string) => unknown = parseProfile) {
  try {
    parse(input, 'p.json');
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('was accepted');
}

const rule = (inside: string) =>
  `{\n"defaultAction": "SCMP_ACT_ERRNO",\n"syscalls": [\n{${inside}}\n]}`;
const arg = (inside: string) =>
  rule(`"names": ["socket"], "action": "SCMP_ACT_ALLOW",\n"args": [{${inside}}]`);

const MALFORMED: [what: string, input: string, code: string, says: string][] = [
  ['empty', '', 'profile-truncated', 'empty'],
  ['cut short', '{"defaultAction": "SCMP_ACT_ERRNO"', 'profile-truncated', 'ends too early'],
  ['not JSON', 'defaultAction: SCMP_ACT_ERRNO', 'profile-syntax', 'p.json:1:1'],
  ['a list', '[]', 'profile-schema', 'the document'],
  ['no default action', '{"syscalls": []}', 'profile-schema', 'defaultAction'],
  ['an unknown action', '{\n"defaultAction": "ALLOW"}', 'profile-schema', 'p.json:2:18'],
  [
    'an unknown field',
    '{"defaultAction": "SCMP_ACT_LOG",\n"sycalls": []}',
    'profile-schema',
    'p.json:2:1: not a profile: sycalls: no such key is known',
  ],
  [
    'an unknown architecture',
    '{"defaultAction": "SCMP_ACT_LOG", "architectures": ["x86"]}',
    'profile-schema',
    'architectures[0]',
  ],
  [
    'an unknown flag',
    '{"defaultAction": "SCMP_ACT_LOG", "flags": ["FAST"]}',
    'profile-schema',
    'flags[0]',
  ],
  ['no names', rule('"names": [], "action": "SCMP_ACT_ALLOW"'), 'profile-schema', 'p.json:4:11'],
  [
    'an empty name',
    rule('"names": [""], "action": "SCMP_ACT_ALLOW"'),
    'profile-schema',
    'syscalls[0].names[0]',
  ],
  [
    'a name that is a number',
    rule('"names": [1], "action": "SCMP_ACT_ALLOW"'),
    'profile-schema',
    'syscalls[0].names[0]',
  ],
  ['no action', rule('"names": ["read"]'), 'profile-schema', 'syscalls[0].action'],
  [
    'a negative errno',
    rule('"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": -1'),
    'profile-schema',
    'errnoRet',
  ],
  [
    'an index past 5',
    arg('"index": 6, "value": 1, "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'syscalls[0].args[0].index',
  ],
  [
    'a value past u64',
    arg('"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'expected an integer from 0 to 18446744073709551615',
  ],
  [
    'a negative value',
    arg('"index": 0, "value": -1, "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'args[0].value',
  ],
  [
    'a fractional value',
    arg('"index": 0, "value": 1.0, "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'args[0].value',
  ],
  [
    'a value with exponent',
    arg('"index": 0, "value": 1e3, "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'args[0].value',
  ],
  [
    'a value as text',
    arg('"index": 0, "value": "1", "op": "SCMP_CMP_EQ"'),
    'profile-schema',
    'p.json:5:32',
  ],
  ['no value', arg('"index": 0, "op": "SCMP_CMP_EQ"'), 'profile-schema', 'args[0].value'],
  [
    'an unknown operator',
    arg('"index": 0, "value": 1, "op": "=="'),
    'profile-schema',
    'args[0].op',
  ],
  [
    'Docker’s archMap',
    '{"defaultAction": "SCMP_ACT_ERRNO",\n"archMap": []}',
    'profile-gated',
    'p.json:2:12',
  ],
  [
    'a capability gate',
    rule('"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}'),
    'profile-gated',
    'syscalls[0].includes',
  ],
  [
    'Podman’s errno',
    rule('"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM"'),
    'profile-gated',
    'syscalls[0].errno',
  ],
];

test.each(MALFORMED)('%s', (_what, input, code, says) => {
  const error = failure(input);
  expect([error.kind, error.exitCode, error.code]).toEqual(['input', 3, code]);
  expect(error.message).toContain(says);
  expect(error.message).toMatch(/^p\.json(:\d+:\d+)?: /);
});

const U64_MAX = 2n ** 64n - 1n;

test('u64 values stay exact', () => {
  const profile = parseProfile(
    arg(
      '"index": 0, "value": 18446744073709551615, "valueTwo": 9007199254740993, "op": "SCMP_CMP_MASKED_EQ"',
    ),
    'p',
  );
  expect(profile.syscalls[0]?.args[0]).toMatchObject({
    value: U64_MAX,
    valueTwo: 9007199254740993n,
  });
  const written = serializeProfile(profile);
  expect(written).toContain('"value": 18446744073709551615');
  expect(written).toContain('"valueTwo": 9007199254740993');
});

test('canonical bytes', () => {
  const profile: Profile = {
    syscalls: [
      { names: ['statx', 'clone3', 'statx'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, args: [] },
      { names: ['write', 'read'], action: 'SCMP_ACT_ALLOW', args: [] },
    ],
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    defaultErrnoRet: 1,
    defaultAction: 'SCMP_ACT_ERRNO',
  };
  expect(serializeProfile(profile)).toBe(`{
  "defaultAction": "SCMP_ACT_ERRNO",
  "defaultErrnoRet": 1,
  "architectures": [
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X86_64"
  ],
  "syscalls": [
    {
      "names": [
        "read",
        "write"
      ],
      "action": "SCMP_ACT_ALLOW"
    },
    {
      "names": [
        "clone3",
        "statx"
      ],
      "action": "SCMP_ACT_ERRNO",
      "errnoRet": 38
    }
  ]
}
`);
});

test('rules that answer one call differently keep their order: it has a meaning', () => {
  const rules: Profile['syscalls'] = [
    { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 5, args: [] },
    { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
  ];
  const order = (syscalls: Profile['syscalls']) =>
    canonicalProfile({ defaultAction: 'SCMP_ACT_KILL', architectures: [], syscalls }).syscalls.map(
      ({ action }) => action,
    );
  expect(order(rules)).toEqual(['SCMP_ACT_ERRNO', 'SCMP_ACT_ALLOW']);
  expect(order([...rules].reverse())).toEqual(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']);
});

const action = fc.constantFrom(
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_LOG',
  'SCMP_ACT_KILL_PROCESS',
);
const u64 = fc.oneof(fc.bigInt({ min: 0n, max: U64_MAX }), fc.constantFrom(0n, 2n ** 53n, U64_MAX));
const anyProfile = fc.record(
  {
    defaultAction: action,
    defaultErrnoRet: fc.nat(4095),
    architectures: fc.subarray([...OCI_ARCHES]),
    flags: fc.subarray(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'] as const),
    listenerMetadata: fc.string({ unit: 'binary' }),
    syscalls: fc.array(
      fc.record(
        {
          names: fc.array(
            fc.oneof(
              fc.constantFrom('read', 'write', 'socket'),
              fc.string({ minLength: 1, maxLength: 9 }),
            ),
            { minLength: 1, maxLength: 5 },
          ),
          action,
          errnoRet: fc.nat(4095),
          args: fc.array(
            fc.record({
              index: fc.nat(5),
              value: u64,
              valueTwo: u64,
              op: fc.constantFrom('SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ', 'SCMP_CMP_GT'),
            }),
            { maxLength: 8 },
          ),
        },
        { requiredKeys: ['names', 'action', 'args'] },
      ),
      { maxLength: 6 },
    ),
  },
  { requiredKeys: ['defaultAction', 'architectures', 'syscalls'] },
) as fc.Arbitrary<Profile>;

test('parse undoes serialize, and bytes are stable', () => {
  fc.assert(
    fc.property(anyProfile, (profile) => {
      const written = serializeProfile(profile);
      const read = parseProfile(written, 'p');
      expect(read).toEqual(canonicalProfile(profile));
      expect(serializeProfile(read)).toBe(written);
      expect(written.endsWith('}\n')).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('the JSON Schema bounds values by u64', () => {
  expect(
    JSON.stringify(profileJsonSchema(), (_key, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    ),
  ).toContain('"maximum":"18446744073709551615"');
});

describe('evidence', () => {
  const call = (name: string) => ({
    abi: 'x86_64' as const,
    name,
    action: 'SCMP_ACT_ALLOW' as const,
    errnoRet: null,
    why: ['observed' as const],
    executables: ['/b\u001b[0m', '/a'],
    phases: ['startup'],
  });

  test('is sorted, stable, keeps justifications, carries no control character', () => {
    const written = serializeEvidence({
      version: 3,
      excluded: [],
      calls: [call('write'), call('read')],
      justifications: { ptrace: 'the crash handler', bpf: 'probes' },
    });
    const read = parseEvidence(written, 'e');
    expect(read.calls.map(({ name }) => name)).toEqual(['read', 'write']);
    expect(read.calls[0]?.executables).toEqual(['/a', '/b\u001b[0m']);
    expect(written).not.toContain('\u001b');
    expect(Object.entries(read.justifications)).toEqual([
      ['bpf', 'probes'],
      ['ptrace', 'the crash handler'],
    ]);
    expect(serializeEvidence(read)).toBe(written);
  });

  test.each([
    ['cut short', '{"version": 1, "calls": [', 'evidence-truncated'],
    ['a newer version', '{"version": 4}', 'evidence-version'],
    [
      'an empty justification',
      '{"version": 1, "calls": [], "justifications": {"bpf": ""}}',
      'evidence-schema',
    ],
    ['null', 'null', 'evidence-schema'],
  ])('%s', (_what, input, code) => {
    expect(failure(input, parseEvidence)).toMatchObject({ kind: 'input', code });
  });
});
