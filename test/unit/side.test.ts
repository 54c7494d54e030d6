/** What users name on either side of a comparison is what they get, or an error that names it. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { loadSide, loadSides, type SideOptions } from '../../src/cli/side';
import type { ProfileSide } from '../../src/diff';
import { SysieveError } from '../../src/errors';
import { gatedSample } from '../support/gated-sample';
import { processorMs } from '../support/processor';

const FIXTURES = path.join(__dirname, '../../fixtures/review');
const EVIDENCE = '{"version": 2, "calls": [], "justifications": {"read": "it reads"}}\n';
const OCI = `{
  "defaultAction": "SCMP_ACT_ERRNO",
  "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [
    {"names": ["read", "wri\\u0074e"], "action": "SCMP_ACT_ALLOW"},
    {
      "names": ["socket"], "action": "SCMP_ACT_ALLOW",
      "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}]
    }
  ]
}
`;

let dir: string;
const at = (...names: string[]): string => path.join(dir, ...names);
const write = (name: string, text: string): string => {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
  return at(name);
};

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-side-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function profile(spec: string, options: SideOptions = {}): Promise<ProfileSide> {
  const side = await loadSide(spec, options);
  if (side.kind !== 'profile') throw new Error(`${spec} is no profile: ${side.kind}`);
  return side;
}

async function refusal(promise: Promise<unknown>): Promise<SysieveError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Where `needle` is in a text, as a place would say it. */
function lineColumn(text: string, needle: string): { line: number; column: number } {
  const before = text.slice(0, text.indexOf(needle)).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

describe('a file', () => {
  test('in the OCI format, with places', async () => {
    const file = write('app.json', OCI);
    const side = await profile(file);
    expect(side).toMatchObject({ label: file, notes: [], text: OCI, engine: null, evidence: null });
    expect(side.profile.format).toBe('oci');
    expect(side.profile.value.syscalls[1]?.args[0]?.value).toBe(0xffff_ffff_ffff_ffffn);
    const placed = (...steps: (string | number)[]) => side.places(steps);
    const of = (needle: string) => ({ file, ...lineColumn(OCI, needle) });
    expect(placed()).toEqual({ file, line: 1, column: 1 });
    expect(placed('defaultAction')).toEqual(of('"SCMP_ACT_ERRNO"'));
    expect(placed('syscalls', 0, 'names', 1)).toEqual(of('"wri'));
    expect(placed('syscalls', 1)).toEqual(of('{\n      "names": ["socket"]'));
    expect(placed('syscalls', 1, 'args', 0, 'value')).toEqual(of('1844'));
    // The innermost one there is.
    expect(placed('syscalls', 1, 'args', 0, 'valueTwo')).toEqual(of('{"index"'));
    expect(placed('syscalls', 7)).toEqual(of('[\n    {"names"'));
    expect(placed('flags')).toEqual({ file, line: 1, column: 1 });
  });

  test("in Docker's or Podman's format, by the keys that are there", async () => {
    const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
    const written = (syscalls: object[], more: object = {}) =>
      profile(
        write(
          'app.json',
          JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', architectures: [], syscalls, ...more }),
        ),
      );
    const format = async (...given: Parameters<typeof written>) =>
      (await written(...given)).profile.format;
    expect(await format([rule])).toBe('oci');
    expect(await format([rule, { ...rule, includes: { caps: ['CAP_BPF'] } }])).toBe('gated');
    expect(await format([{ ...rule, excludes: {} }])).toBe('gated');
    expect(await format([{ ...rule, errno: 'EPERM' }])).toBe('gated');
    expect(await format([{ ...rule, comment: 'reads' }])).toBe('gated');
    expect(await format([{ ...rule, args: null }])).toBe('gated');
    expect(await format([{ name: 'read', action: 'SCMP_ACT_ALLOW' }])).toBe('gated');
    expect(await format([rule], { defaultErrno: 'EPERM' })).toBe('gated');
    expect(await format([rule], { archMap: [] })).toBe('gated');
    expect(await format([rule], { flags: null })).toBe('gated');
    const side = await profile(write('gated.json', JSON.stringify(gatedSample())));
    expect(side.profile.format).toBe('gated');
    // An unknown key belongs to neither.
    expect((await refusal(format([{ ...rule, includes: {}, when: 1 }]))).code).toBe(
      'profile-schema',
    );
  });

  test('with the evidence beside it', async () => {
    const file = write('app.json', OCI);
    write('app.evidence.json', EVIDENCE);
    expect((await profile(file)).evidence?.justifications).toEqual({ read: 'it reads' });
    expect((await profile(file, { evidence: false })).evidence).toBeNull();
    write('app.evidence.json', EVIDENCE.slice(0, 40));
    const error = await refusal(loadSide(file));
    expect(error.exitCode).toBe(3);
    expect(error.message).toContain(at('app.evidence.json:1:41'));
  });

  test('from standard input', async () => {
    const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor;
    const give = (text: string) =>
      Object.defineProperty(process, 'stdin', {
        value: Readable.from([Buffer.from(text)]),
        configurable: true,
      });
    try {
      give(OCI);
      const side = await profile('-');
      expect(side).toMatchObject({ label: 'standard input', evidence: null, text: OCI });
      expect(side.places(['defaultAction'])).toMatchObject({ file: 'standard input', line: 2 });
      give(SPO);
      expect((await profile('-')).profile.value.syscalls).toHaveLength(2);
      give('');
      expect((await refusal(loadSide('-'))).message).toContain('standard input:1:1');
    } finally {
      Object.defineProperty(process, 'stdin', stdin);
    }
    expect((await refusal(loadSides('-', '-'))).kind).toBe('usage');
  });

  test('that cannot be read is an error with its name, never an empty side', async () => {
    const file = write('app.json', OCI);
    const cases: [spec: string, code: string, says: string][] = [
      ['', 'side-invalid', 'empty'],
      [at('none.json'), 'file-missing', at('none.json')],
      [dir, 'file-is-directory', dir],
      [path.join(file, 'x'), 'file-path', file],
      [write('empty.json', ' \n'), 'profile-truncated', at('empty.json')],
      [write('half.json', OCI.slice(0, 99)), 'profile-truncated', at('half.json:4:16')],
      [write('other.json', '{"a": 1}'), 'profile-schema', at('other.json:1:1')],
      [write('list.json', '[]'), 'profile-schema', at('list.json:1:1')],
      [write('text.json', 'no profile'), 'profile-syntax', at('text.json:1:1')],
      [write('text', 'no profile'), 'profile-syntax', at('text:1:1')],
    ];
    writeFileSync(at('bytes.json'), Buffer.from([0x7b, 0xff]));
    cases.push([at('bytes.json'), 'file-not-text', at('bytes.json:1:2')]);
    for (const [spec, code, says] of cases) {
      const error = await refusal(loadSide(spec));
      expect([error.exitCode, error.code]).toEqual([3, code]);
      expect(error.message).toContain(says);
    }
  });
});

const SPO = `# of the operator
apiVersion: security-profiles-operator.x-k8s.io/v1
kind: SeccompProfile
metadata:
  name: app
spec:
  defaultAction: SCMP_ACT_ERRNO
  architectures:
    - SCMP_ARCH_X86_64
    - SCMP_ARCH_X86
  flags: [SECCOMP_FILTER_FLAG_LOG]
  syscalls:
    - action: SCMP_ACT_ALLOW
      names:
        - read
        - "write"
    - names: [socket]
      action: SCMP_ACT_ERRNO
      errnoRet: 97
      args:
        - index: 0
          value: 0x10
          op: SCMP_CMP_EQ
        - index: 1
          value: 9223372036854775807
          valueTwo: 9007199254740993
          op: SCMP_CMP_MASKED_EQ
`;

describe('a SeccompProfile', () => {
  test('in YAML, exact and with places', async () => {
    const file = write('app.yaml', SPO);
    write('app.evidence.json', EVIDENCE);
    const side = await profile(file);
    expect(side.profile).toEqual({
      format: 'oci',
      value: {
        defaultAction: 'SCMP_ACT_ERRNO',
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        syscalls: [
          { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW', args: [] },
          {
            names: ['socket'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 97,
            args: [
              { index: 0, value: 16n, valueTwo: 0n, op: 'SCMP_CMP_EQ' },
              {
                index: 1,
                value: 0x7fff_ffff_ffff_ffffn,
                valueTwo: 9007199254740993n,
                op: 'SCMP_CMP_MASKED_EQ',
              },
            ],
          },
        ],
      },
    });
    expect(side.evidence).not.toBeNull();
    const of = (needle: string) => ({ file, ...lineColumn(SPO, needle) });
    expect(side.places(['defaultAction'])).toEqual(of('SCMP_ACT_ERRNO'));
    expect(side.places(['syscalls', 0, 'names', 1])).toEqual(of('"write"'));
    expect(side.places(['syscalls', 1, 'args', 1, 'value'])).toEqual(of('9223'));
    expect(side.places(['syscalls', 1, 'args', 0, 'valueTwo'])).toEqual(of('index: 0'));
    expect(side.places(['architectures', 1])).toEqual(of('SCMP_ARCH_X86\n'));
  });

  test('the same in JSON, by its kind', async () => {
    const json = `{"apiVersion": "security-profiles-operator.x-k8s.io/v1beta1",
 "kind": "SeccompProfile", "metadata": {"name": "app"}, "status": {"path": "x"},
 "spec": {"defaultAction": "SCMP_ACT_LOG", "syscalls": [
  {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]}}`;
    const file = write('app.json', json);
    const side = await profile(file);
    expect(side.profile.value).toEqual({
      defaultAction: 'SCMP_ACT_LOG',
      architectures: [],
      // The operator leaves a 0 out of the node's file.
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [] }],
    });
    expect(side.places(['syscalls', 0, 'names', 0])).toEqual({
      file,
      ...lineColumn(json, '"read"'),
    });
  });

  test('whose base is elsewhere is refused, or read without it and said', async () => {
    const text = SPO.replace('  defaultAction', '  baseProfileName: runc-v1.1.5\n  defaultAction');
    const file = write('app.yaml', text);
    const error = await refusal(loadSide(file));
    expect([error.exitCode, error.code]).toEqual([3, 'spo-base']);
    expect(error.message).toContain('"runc-v1.1.5"');
    const side = await profile(file, { withoutBase: true });
    expect(side.notes).toEqual([
      `${file} without its base profile "runc-v1.1.5": what that permits is not counted`,
    ]);
    const disabled = write('off.yaml', SPO.replace('spec:', 'spec:\n  disabled: true'));
    expect((await profile(disabled)).notes.join()).toContain('disabled');
  });

  const change = (from: string, to: string) => SPO.replace(from, to);
  const REFUSED: [what: string, text: string, at: string, says: RegExp][] = [
    ['an alias', change('    - read\n', '    - &r read\n        - *r\n'), '16:11', /alias/],
    [
      'a key twice',
      change('  flags:', '  defaultAction: SCMP_ACT_ALLOW\n  flags:'),
      '11:3',
      /each key once, found "defaultAction"/,
    ],
    ['two documents', `${SPO}---\na: 1\n`, '28:1', /one document/],
    ['a directive', `%YAML 1.1\n---\n${SPO}`, '1:1', /directive/],
    ['a tag', change('value: 0x10', 'value: !!str 16'), '22:24', /tag/],
    ['a merge key', change('  name: app', '  <<: {name: app}'), '5:3', /readers of YAML differ/],
    [
      'an octal number',
      change('errnoRet: 97', 'errnoRet: 0141'),
      '19:17',
      /readers of YAML differ/,
    ],
    ['a YAML 1.1 boolean', change('    - read', '    - on'), '15:11', /readers of YAML differ/],
    ['a fraction', change('value: 0x10', 'value: 1.5'), '22:18', /readers of YAML differ/],
    ['a float', change('value: 0x10', 'value: 1e3'), '22:18', /readers of YAML differ/],
    ['a number in quotes', change('value: 0x10', 'value: "16"'), '22:18', /value: expected an int/],
    [
      'a negative value',
      change('value: 0x10', 'value: -1'),
      '22:18',
      /syscalls\[1\]\.args\[0\]\.value: expected an integer from 0/,
    ],
    [
      'more than an int64',
      change('9223372036854775807', '9223372036854775808'),
      '25:18',
      /args\[1\]\.value: expected an integer from 0 to 9223372036854775807/,
    ],
    ['an unknown key', change('  flags:', '  flagz:'), '11:3', /flagz: no such key is known/],
    ['an unknown version', change('/v1\n', '/v1alpha1\n'), '2:13', /apiVersion/],
    ['another kind', change('kind: SeccompProfile', 'kind: Pod'), '3:7', /kind/],
    [
      'the native architecture',
      change('SCMP_ARCH_X86\n', 'SCMP_ARCH_NATIVE\n'),
      '10:7',
      /architec/,
    ],
    ['no names', change('names: [socket]', 'names: []'), '17:14', /names/],
    ['bad indentation', change('  architectures:', ' architectures:'), '8:1', /not YAML/],
    ['nothing', '# nothing\n', '1:1', /empty/],
    ['a list', '- a\n', '1:1', /expected object/],
    ['deep nesting', `a: ${'['.repeat(200)}`, '1:', /./],
    ['a large file', `a: |\n${'  x\n'.repeat(1_100_000)}`, '', /4 MiB/],
  ];
  test.each(REFUSED)('with %s is refused, with its place', async (_, text, place, says) => {
    const file = write('app.yaml', text);
    const error = await refusal(loadSide(file));
    expect(error.exitCode).toBe(3);
    expect(error.message).toMatch(says);
    expect(error.message).toContain(place === '' ? file : `${file}:${place}`);
  });

  test('of many keys takes no quadratic time', async () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join('');
    const started = processorMs();
    const error = await refusal(loadSide(write('app.yaml', keys)));
    expect(error.message).toContain('k0: no such key is known');
    expect(processorMs() - started).toBeLessThan(20_000);
  });
});

describe('a default', () => {
  test.each([
    ['default:docker', 'docker', /Docker 29\.\d+\.\d+, the newest that sysieve knows \(moby/],
    ['default:docker@20.10.24', 'docker', /^default:docker@20\.10\.24 is .* of Docker 20\.10\.24 /],
    ['default:docker@99.0', 'docker', /the newest that sysieve knows: that of Docker 99\.0 is not/],
    ['default:podman@4.3.1', 'podman', /of Podman 4\.3\.1 \(containers\/common v0\.49\.0\)/],
    ['default:podman@0.50.1', 'podman', /of containers\/common 0\.50\.1 /],
    ['default:podman@77.1', 'podman', /of containers\/common 0\.\d+\.\d+, .* Podman 77\.1 is not/],
  ])('%s', async (spec, engine, note) => {
    const side = await profile(spec);
    expect(side).toMatchObject({ label: spec, text: null, evidence: null });
    expect(side.engine?.name).toBe(engine);
    expect(side.profile.format).toBe('gated');
    expect(side.notes).toHaveLength(1);
    expect(side.notes[0]).toMatch(note);
    expect(side.places(['defaultAction'])).toBeNull();
  });

  test('has the rules of that very release', async () => {
    const names = async (spec: string) =>
      (await profile(spec)).profile.value.syscalls.flatMap((rule) => rule.names);
    expect(await names('default:docker@20.10.24')).toContain('io_uring_setup');
    expect(await names('default:docker')).not.toContain('io_uring_setup');
    expect((await profile('default:docker@20.10.24')).engine?.version).toBe('20.10.24');
  });

  test.each([
    ['default:docker@19.03.5', 'default-unknown'],
    ['default:podman@3.3.1', 'default-unknown'],
    ['default:docker@new', 'context-invalid'],
    ['default:rkt', 'side-invalid'],
    ['default:', 'side-invalid'],
  ])('%s is refused', async (spec, code) => {
    const error = await refusal(loadSide(spec));
    expect([error.exitCode, error.code]).toEqual([3, code]);
  });
});

describe('a process', () => {
  test.each(['pid:', 'pid:0', 'pid:-1', 'pid:1x', 'pid:99999999999', 'pid:../1'])(
    '%s is no process id',
    async (spec) => {
      const error = await refusal(loadSide(spec));
      expect([error.exitCode, error.code]).toEqual([3, 'side-invalid']);
      expect(error.message).toContain(spec);
    },
  );

  test('that is not there is an error', async () => {
    const error = await refusal(loadSide('pid:2147483647'));
    expect([error.exitCode, error.code]).toEqual([3, 'process-not-found']);
    expect(error.message).toContain('pid:2147483647');
  });
});

test('a file that cannot be looked at is not looked for in git', async () => {
  if (process.getuid?.() === 0) return;
  mkdirSync(at('closed'));
  write('closed/a:b', OCI);
  chmodSync(at('closed'), 0);
  const error = await refusal(loadSide(at('closed', 'a:b')));
  expect(error.code).toBe('file-read');
  chmodSync(at('closed'), 0o700);
});

test('the sample of three versions is read with its evidence', async () => {
  cpSync(FIXTURES, dir, { recursive: true });
  for (const version of ['1', '2', '3']) {
    const side = await profile(at(version, 'app.json'));
    expect(side.profile.format).toBe('oci');
    expect(side.evidence?.calls.some(({ name }) => name === 'accept4')).toBe(true);
  }
});
