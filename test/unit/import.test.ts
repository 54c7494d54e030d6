/** What is read out of platforms' formats, and what is refused with its place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SysieveError } from '../../src/errors';
import type { ImportOptions } from '../../src/import';
import {
  canonicalProfile,
  gatedDefault,
  resolveGatedProfile,
  serializeProfile,
} from '../../src/profile';
import { ENGINE_CAPABILITIES } from '../../src/tables';
import { exported, fileIn, imported, importedProfile, named } from '../support/exporting';

const committed = (name: string) =>
  named(readFileSync(join(__dirname, '../../profiles', `${name}.json`), 'utf8'), name);
const nginx = committed('nginx');
const redis = committed('redis');

async function refusal(from: string, text: string, options: ImportOptions = {}) {
  try {
    await imported(from, text, options);
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

const data = (text: string | Buffer): string =>
  `data:;base64,${Buffer.from(text).toString('base64')}`;
const PROFILE = '{"defaultAction": "SCMP_ACT_ERRNO"}';
const PATH = '/var/lib/kubelet/seccomp/app.json';

function config(...files: object[]): string {
  return JSON.stringify({ ignition: { version: '3.2.0' }, storage: { files }, passwd: {} });
}
const file = (contents: object, more: object = {}) => ({
  path: PATH,
  mode: 420,
  contents,
  ...more,
});

describe('the engines own formats', () => {
  const gated = (rules: string, more = '') =>
    `{"defaultAction": "SCMP_ACT_ERRNO"${more}, "syscalls": [${rules}]}`;
  const CAPS = gated(
    '{"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}}',
  );
  const KERNEL = gated(
    '{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}',
  );
  const ARCH = gated(
    '{"names": ["arm_fadvise64_64"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}}',
  );

  test.each([
    ['docker', CAPS, 'capabilities', '--caps'],
    ['podman', CAPS, 'capabilities', '--caps'],
    ['docker', KERNEL, 'kernel', '--kernel'],
    ['docker', ARCH, 'machine', '--arch'],
    [
      'podman',
      gated('', ', "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]'),
      'machine',
      '--arch',
    ],
  ])('%s: what a gate asks about is not assumed (%#)', async (from, text, what, option) => {
    const { code, message, remedy } = await refusal(from, text);
    expect([code, message.includes(what), remedy?.includes(option)]).toEqual([
      'context-missing',
      true,
      true,
    ]);
  });

  test('with and without what the gate asks about, and the note that says so', async () => {
    const without = await imported('docker', CAPS, { caps: [] });
    expect(without.profiles[0]?.profile.syscalls).toEqual([]);
    expect(without.notes.join()).toContain('with no capability; elsewhere it differs');
    const having = await imported('docker', CAPS, { caps: ['CAP_SYS_ADMIN'] });
    expect(having.profiles[0]?.profile.syscalls).toHaveLength(1);
    expect(await imported('docker', gated(''))).toMatchObject({ notes: [] });
  });

  test('what the engine does not read is said', async () => {
    const { notes, profiles } = await imported('podman', KERNEL);
    expect(notes.join()).toContain('podman does not read syscalls[0].includes.minKernel');
    expect(profiles[0]?.profile.syscalls).toHaveLength(1);
    const old = await imported('docker', gated('', ', "defaultErrnoRet": 38'), {
      engineVersion: '20.10',
    });
    expect(old.notes.join()).toContain('docker does not read defaultErrnoRet');
  });

  test('a name that no OCI profile can have', async () => {
    const text = gated('{"names": ["re\\ud800ad"], "action": "SCMP_ACT_ALLOW", "comment": ""}');
    const { message } = await refusal('docker', text);
    expect(message).toContain('syscalls[0].names[0]: expected no unpaired surrogate');
  });

  test("Docker's whole default, in a container without options", async () => {
    const { profile } = gatedDefault('docker', undefined);
    const bigints = (_: string, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value;
    const context = { kernel: '5.14', arch: 'x86_64', caps: ENGINE_CAPABILITIES.docker } as const;
    // `minKernel` is a pair once it is read.
    const text = JSON.stringify(profile, bigints).replace(/\[(\d+),(\d+)\]/g, '"$1.$2"');
    const made = await importedProfile('docker', text, context);
    const wanted = resolveGatedProfile(profile, {
      engine: 'docker',
      capabilities: context.caps,
      kernelVersion: '5.14',
      architecture: 'x86_64',
    });
    expect(serializeProfile(made)).toBe(serializeProfile(wanted));
    expect(made.syscalls.length).toBeGreaterThan(10);
  });
});

describe('ignition', () => {
  test('every way to write the contents', async () => {
    const profile = canonicalProfile(named(PROFILE).profile);
    const hash = 'sha256-3bd3cf82e1da0ad9d8d4c1ee1f1a0d3ba45a1c4e35e39ce4d0cc5d2a5f6d0d5b';
    for (const contents of [
      { source: data(PROFILE) },
      { source: `data:,${encodeURIComponent(PROFILE)}` },
      { source: data(gzipSync(PROFILE)), compression: 'gzip' },
      { source: data(PROFILE), compression: '', verification: {} },
      { source: data(PROFILE), compression: null, verification: { hash: null } },
    ]) {
      const made = await imported('ignition', config(file(contents)));
      expect(made.profiles).toEqual([{ name: 'app.json', profile }]);
    }
    const wrong = await refusal(
      'ignition',
      config(file({ source: data(PROFILE), verification: { hash } })),
    );
    expect(wrong.message).toContain('storage.files[0].contents.verification.hash');
  });

  test('a digest that fits', async () => {
    const { createHash } = await import('node:crypto');
    const hash = `sha512-${createHash('sha512').update(PROFILE).digest('hex')}`;
    const contents = {
      source: data(gzipSync(PROFILE)),
      compression: 'gzip',
      verification: { hash },
    };
    expect((await imported('ignition', config(file(contents)))).profiles).toHaveLength(1);
  });

  const BOMB = gzipSync(Buffer.alloc(17 * 1024 * 1024, 0x20));
  test.each([
    ['elsewhere', file({ source: 'https://example.org/app.json' }), 'source'],
    ['empty', file({}), 'contents'],
    ['nothing', { path: PATH }, 'contents'],
    ['no base64', file({ source: 'data:;base64,e*' }), 'source'],
    ['a broken escape', file({ source: 'data:,%zz' }), 'source'],
    ['no gzip', file({ source: data('x'), compression: 'gzip' }), 'source'],
    ['another compression', file({ source: data('x'), compression: 'xz' }), 'compression'],
    ['too much once decompressed', file({ source: data(BOMB), compression: 'gzip' }), 'source'],
    ['no text', file({ source: data(Buffer.from([0xff])) }), 'source'],
    ['appended', file({ source: data(PROFILE) }, { append: [{ source: data('x') }] }), 'append'],
    [
      'an unknown digest',
      file({ source: data(PROFILE), verification: { hash: 'md5-00' } }),
      'hash',
    ],
  ])('contents that are %s are refused', async (_name, one, place) => {
    const { kind, message } = await refusal('ignition', config(one));
    expect(kind).toBe('input');
    expect(message).toMatch(
      new RegExp(`^given:1:\\d+: storage\\.files\\[0\\]\\.[a-z.]*${place}: `),
    );
  });

  test('what is no profile, in a file that is taken for one', async () => {
    const { code, message } = await refusal('ignition', config(file({ source: data('{') })));
    expect([code, message.startsWith(`given: ${PATH}:1:`)]).toEqual(['profile-truncated', true]);
  });

  test('a path twice', async () => {
    const one = file({ source: data(PROFILE) });
    expect((await refusal('ignition', config(one, one))).message).toContain('each path once');
  });

  test('which files are taken, and how one is chosen', async () => {
    const other = { path: '/etc/motd', contents: { source: 'https://example.org' } };
    const nested = {
      path: '/var/lib/kubelet/seccomp/a/b.json',
      contents: { source: data(PROFILE) },
    };
    const both = config(other, file({ source: data(PROFILE) }), nested);
    const made = await imported('ignition', both);
    expect(made.profiles.map(({ name }) => name)).toEqual(['app.json', 'a/b.json']);
    expect(made.notes).toEqual(['given: not looked into: "/etc/motd"']);
    for (const profile of ['a/b', 'a/b.json', '/var/lib/kubelet/seccomp/a/b.json']) {
      expect((await imported('ignition', both, { profile })).profiles).toHaveLength(1);
    }
    expect((await refusal('ignition', both, { profile: 'c' })).remedy).toContain('"/etc/motd"');
    expect((await refusal('ignition', config(other))).code).toBe('profile-none');
  });

  test('gates in it are read as CRI-O reads them, under a stated context', async () => {
    const gated =
      '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mount"], ' +
      '"action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}';
    const text = config(file({ source: data(gated) }));
    expect((await refusal('ignition', text)).code).toBe('context-missing');
    const made = await importedProfile('ignition', text, { caps: ['CAP_SYS_ADMIN'] });
    expect(made.syscalls).toHaveLength(1);
  });

  test.each([
    ['2.2.0', { ignition: { version: '2.2.0' } }],
    ['no version', { ignition: {} }],
    ['a MachineConfig', { kind: 'MachineConfig' }],
  ])('%s is no configuration of version 3', async (_name, value) => {
    expect((await refusal('ignition', JSON.stringify(value))).kind).toBe('input');
  });

  test('a configuration of very many files', async () => {
    const files = Array.from({ length: 3000 }, (_, index) => ({
      path: `/etc/${index}`,
      mode: 420,
    }));
    const text = config(...files, file({ source: data(PROFILE) }));
    expect((await imported('ignition', text)).profiles).toHaveLength(1);
  });
});

describe('machineconfig', () => {
  test('several profiles, by the names of their files', async () => {
    const made = await exported('machineconfig', [nginx, redis], { directory: 'apps' });
    const { profiles } = await imported('machineconfig', fileIn(made, '.yaml'));
    expect(profiles.map(({ name, profile }) => [name, serializeProfile(profile)])).toEqual([
      ['apps/nginx.json', nginx.text],
      ['apps/redis.json', redis.text],
    ]);
  });

  test('another kind is refused', async () => {
    const made = await exported('scc', nginx);
    expect((await refusal('machineconfig', fileIn(made, '.yaml'))).remedy).toContain(
      'MachineConfig',
    );
  });
});

describe('butane', () => {
  const butane = (contents: string) =>
    `variant: openshift\nversion: "4.14.0"\nstorage:\n  files:\n    - path: ${PATH}\n      contents:\n        ${contents}\n`;

  test('inline, or as in Ignition', async () => {
    for (const contents of [`inline: '${PROFILE}'`, `source: "${data(PROFILE)}"`]) {
      expect((await imported('butane', butane(contents))).profiles).toHaveLength(1);
    }
  });

  test('a file beside it, and what is appended', async () => {
    const local = await refusal('butane', butane('local: app.json'));
    expect(local.message).toMatch(/^given:7:16: storage\.files\[0\]\.contents\.local: /);
    const appended = `${butane(`inline: '${PROFILE}'`)}      append: [{inline: x}]\n`;
    expect((await refusal('butane', appended)).message).toContain('storage.files[0].append: ');
  });
});

describe('kubernetes', () => {
  test('a ConfigMap, whose keys are the names', async () => {
    const map = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  app.json: '${PROFILE}'\n  notes: text\n`;
    const made = await imported('kubernetes', map);
    expect(made.profiles.map(({ name }) => name)).toEqual(['app.json']);
    expect(made.notes).toEqual(['given: not looked into: "notes"']);
  });

  test('a patch holds no profile', async () => {
    const made = await exported('kubernetes', nginx, { workload: 'pod/web' });
    expect((await refusal('kubernetes', fileIn(made, '.yaml'))).remedy).toContain('ConfigMap');
  });
});

describe('spo', () => {
  const spo = (more: string) =>
    `apiVersion: security-profiles-operator.x-k8s.io/v1\nkind: SeccompProfile\nmetadata:\n  name: app\nspec:\n  defaultAction: SCMP_ACT_ERRNO\n${more}`;

  test('a name, and a profile that is not installed', async () => {
    const made = await imported('spo', spo('  state: Disabled\n'));
    expect(made.profiles[0]?.name).toBe('app');
    expect(made.notes.join()).toContain('is disabled');
    expect((await imported('spo', spo('  state: Enabled\n'))).notes).toEqual([]);
  });

  test('a base profile is elsewhere', async () => {
    const text = spo('  baseProfileName: runc-v1.2\n');
    expect((await refusal('spo', text)).code).toBe('spo-base');
    expect((await imported('spo', text, { withoutBase: true })).notes.join()).toContain(
      'runc-v1.2',
    );
  });
});
