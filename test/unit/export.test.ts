/** What each format's result holds, what is refused, and with which place. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse as parseYaml } from 'yaml';
import { SysieveError } from '../../src/errors';
import { EXPORT_FORMATS, type ExportOptions } from '../../src/export';
import { toYaml } from '../../src/export/yaml';
import { readYaml } from '../../src/import';
import type { Profile, Rule } from '../../src/profile';
import { exported, fileIn, named } from '../support/exporting';
import * as schemas from '../support/platform-schemas';

const ROOT = join(__dirname, '..', '..');
const committed = (name: string) =>
  named(readFileSync(join(ROOT, 'profiles', `${name}.json`), 'utf8'), name);
const nginx = committed('nginx');
const redis = committed('redis');
const KUBELET = '/var/lib/kubelet/seccomp';

function expectValid(schema: object, value: unknown): void {
  const ajv = new Ajv({ allErrors: true });
  expect([ajv.validate(schema, value), ajv.errors]).toEqual([true, null]);
}

/** As YAML 1.1, which Kubernetes reads, and as 1.2: the same. */
// biome-ignore lint/suspicious/noExplicitAny: whatever is in the file, which tests look into.
function object(text: string): any {
  const old = parseYaml(text, { version: '1.1' });
  expect(parseYaml(text, { version: '1.2' })).toEqual(old);
  return old;
}

const OF_ONE: Rule = { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] };
const profile = (changed: Partial<Profile> = {}): Profile => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: [OF_ONE],
  ...changed,
});
const rule = (changed: Partial<Rule>): Profile =>
  profile({ syscalls: [{ ...OF_ONE, ...changed }] });

async function refusal(
  to: string,
  from: Profile,
  options: ExportOptions = {},
): Promise<SysieveError> {
  try {
    await exported(to, named(from), options);
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('machineconfig', () => {
  /** By a script of its own, in another language. */
  function decoded(text: string, path: string): string {
    const script = join(ROOT, 'test', 'support', 'decode_machineconfig.py');
    const { status, stdout, stderr } = spawnSync('python3', [script, path], { input: text });
    expect([status, stderr.toString()]).toEqual([0, '']);
    return stdout.toString();
  }

  test.each([
    ['YAML', {}],
    ['JSON', { syntax: 'json' }],
    ['YAML, compressed', { gzipAbove: 1000 }],
    ['JSON, compressed, Ignition 3.4', { gzipAbove: 1000, syntax: 'json', ignition: '3.4' }],
  ] as [string, ExportOptions][])(
    "%s: the committed profile's bytes at kubelet's path",
    async (_name, options) => {
      const made = await exported('machineconfig', [nginx, redis], options);
      const text = String(made.files[0]?.data);
      expect(decoded(text, `${KUBELET}/nginx.json`)).toBe(nginx.text);
      expect(decoded(text, `${KUBELET}/redis.json`)).toBe(redis.text);
      expectValid(
        schemas.machineConfig(options.ignition === '3.4' ? '3.4.0' : '3.2.0'),
        object(text),
      );
    },
  );

  test('compressed only above the size', async () => {
    const size = Buffer.byteLength(nginx.text);
    const at = await exported('machineconfig', nginx, { gzipAbove: size });
    const below = await exported('machineconfig', nginx, { gzipAbove: size - 1 });
    expect(fileIn(at, '.yaml')).not.toContain('gzip');
    expect(fileIn(below, '.yaml')).toContain('compression: gzip');
    expect(below.notes.join()).toContain('OpenShift 4.10');
    expect(at.notes.join()).not.toContain('4.10');
  });

  test('one object for each role, and the policy by which nothing reboots', async () => {
    const made = await exported('machineconfig', [nginx, redis], {
      role: ['worker', 'gpu', 'worker'],
      nodeDisruption: true,
      directory: 'app/v1',
    });
    expect(made.files.map(({ name }) => name)).toEqual([
      '99-worker-seccomp-nginx-redis.yaml',
      '99-gpu-seccomp-nginx-redis.yaml',
      'node-disruption-policy.yaml',
    ]);
    const policy = object(fileIn(made, 'policy.yaml'));
    expectValid(schemas.machineConfiguration, policy);
    expect(JSON.stringify(policy)).toContain(`"${KUBELET}/app/v1/redis.json"`);
    expect(made.notes.join()).toContain('--server-side');
    expect(made.notes.join()).toContain('the pool gpu is a custom one');
    expect((await exported('machineconfig', nginx)).notes.join()).toContain('rebooted');
  });

  test('what is no name, path or size', async () => {
    const one = profile();
    expect((await refusal('machineconfig', one, { role: ['Worker'] })).code).toBe('name-invalid');
    expect((await refusal('machineconfig', one, { objectName: '-x' })).code).toBe('name-invalid');
    expect((await refusal('machineconfig', one, { role: ['a', 'b'], objectName: 'x' })).kind).toBe(
      'usage',
    );
    for (const root of ['relative', '/a/../b', '/a/', '/a b', '/', '/a\n']) {
      expect((await refusal('machineconfig', one, { root })).code).toBe('path-invalid');
    }
    for (const directory of ['/abs', '../up', 'a//b', '.hidden', '-x', 'a/', '$(x)']) {
      expect((await refusal('machineconfig', one, { directory })).code).toBe('path-invalid');
    }
    const names = Array.from({ length: 4000 }, (_, index) =>
      `no_such_call_${index}`.padEnd(240, '_'),
    );
    const large = rule({ names });
    const error = await refusal('machineconfig', large, { gzipAbove: 1e9 });
    expect(error.code).toBe('export-too-large');
    expect((await exported('machineconfig', named(large))).files).toHaveLength(1);
  });
});

test.each(['3.2', '3.4'] as const)('ignition %s and butane for it', async (ignition) => {
  const plain = await exported('ignition', [nginx, redis], { ignition });
  expectValid(schemas.ignition(`${ignition}.0`), JSON.parse(fileIn(plain, '.ign')));
  const written = await exported('butane', [nginx, redis], { ignition });
  const config = object(fileIn(written, '.bu'));
  expectValid(schemas.butane, config);
  const { files } = config.storage as { files: { contents: { inline: string } }[] };
  expect(files.map(({ contents }) => contents.inline)).toEqual([nginx.text, redis.text]);
});

test('scc: the profile, non-root, no capability', async () => {
  const made = await exported('scc', [nginx, redis], { directory: 'apps', objectName: 'strict' });
  const constraints = object(fileIn(made, 'strict.yaml'));
  expectValid(schemas.securityContextConstraints, constraints);
  expect(constraints.seccompProfiles).toEqual([
    'localhost/apps/nginx.json',
    'localhost/apps/redis.json',
  ]);
  expect(made.notes.join()).toContain('openshift.io/required-scc');
});

describe('spo', () => {
  test('a SeccompProfile of each version', async () => {
    for (const apiVersion of ['v1', 'v1beta1'] as const) {
      const made = await exported('spo', nginx, { apiVersion });
      const text = fileIn(made, 'nginx.yaml');
      expectValid(schemas.seccompProfile, object(text));
      expect(text).toContain(`x-k8s.io/${apiVersion}\n`);
      expect(made.notes.join()).toContain('operator/nginx.json');
    }
  });

  test('EPERM by default is what it is without a word, and what is twice is once', async () => {
    const from = profile({
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86_64'],
      flags: [],
      listenerPath: '',
      syscalls: [{ ...OF_ONE, names: ['read', 'read', 'write'] }],
    });
    const made = await exported('spo', named(from));
    const text = fileIn(made, '.yaml');
    expectValid(schemas.seccompProfile, object(text));
    expect(text).not.toMatch(/defaultErrnoRet|flags|listenerPath/);
    expect(made.notes.join()).toContain('empty flags');
  });

  const CONDITION = { index: 0, value: 1n, valueTwo: 0n, op: 'SCMP_CMP_EQ' } as const;
  const LARGE = 1n << 63n;
  test.each([
    ['another errno by default', profile({ defaultErrnoRet: 38 }), 'defaultErrnoRet'],
    ['success by default', profile({ defaultErrnoRet: 0 }), 'defaultErrnoRet'],
    [
      'data for a tracer by default',
      profile({ defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 7 }),
      'defaultErrnoRet',
    ],
    ['success for a call', rule({ action: 'SCMP_ACT_ERRNO', errnoRet: 0 }), 'syscalls[0].errnoRet'],
    [
      'an errno beyond 31 bits',
      rule({ action: 'SCMP_ACT_ERRNO', errnoRet: 2 ** 31 }),
      'syscalls[0].errnoRet',
    ],
    [
      'a value beyond 63 bits',
      rule({ args: [{ ...CONDITION, value: LARGE }] }),
      'syscalls[0].args[0].value',
    ],
    [
      'a masked value beyond 63 bits',
      rule({
        args: [{ ...CONDITION, value: LARGE - 1n, valueTwo: LARGE, op: 'SCMP_CMP_MASKED_EQ' }],
      }),
      'syscalls[0].args[0].valueTwo',
    ],
    [
      'an architecture that the CRD has not',
      profile({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_LOONGARCH64'] }),
      'architectures[0]',
    ],
    [
      'a listener elsewhere',
      profile({
        listenerPath: '/run/other.sock',
        syscalls: [{ ...OF_ONE, action: 'SCMP_ACT_NOTIFY' }],
      }),
      'listenerPath',
    ],
  ])('%s is refused', async (_name, from, place) => {
    const { kind, message, remedy } = await refusal('spo', from);
    expect(kind).toBe('input');
    expect(message).toContain(`app.json: ${place}: a SeccompProfile `);
    expect(remedy).toBeTruthy();
  });

  test('more than six conditions, which the two runtimes read apart anyway', async () => {
    const args = Array.from({ length: 7 }, (_, value) => ({ ...CONDITION, value: BigInt(value) }));
    expect((await refusal('spo', rule({ args }), { runtime: 'runc' })).message).toContain(
      'syscalls[0].args',
    );
  });
});

describe('kubernetes', () => {
  interface PodPatch {
    spec: Record<string, { env?: unknown; command: string[] }[]>;
  }
  const podOf = (made: object, path: readonly string[]): PodPatch =>
    path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], made) as PodPatch;

  test.each([
    ['pod', 'Pod', 'v1', []],
    ['Deployment', 'Deployment', 'apps/v1', ['spec', 'template']],
    ['job', 'Job', 'batch/v1', ['spec', 'template']],
    ['cronjob', 'CronJob', 'batch/v1', ['spec', 'jobTemplate', 'spec', 'template']],
  ])('a patch for a %s', async (word, kind, apiVersion, path) => {
    const options = { workload: `${word}/web.v1`, directory: 'apps', namespace: 'shop' };
    const whole = object(fileIn(await exported('kubernetes', nginx, options), '.yaml'));
    expect(whole).toMatchObject({
      apiVersion,
      kind,
      metadata: { name: 'web.v1', namespace: 'shop' },
    });
    expectValid(schemas.podSpec(false), podOf(whole, path).spec);
    const some = await exported('kubernetes', nginx, { ...options, container: ['nginx', 'log'] });
    const text = fileIn(some, '.yaml');
    expectValid(schemas.podSpec(false), podOf(object(text), path).spec);
    expect(
      text.match(/localhostProfile: "apps\/nginx\.json"|localhostProfile: apps\/nginx\.json/g),
    ).toHaveLength(2);
  });

  test('a component of Kustomize with the ConfigMap and what copies it', async () => {
    const made = await exported('kubernetes', nginx, {
      workload: 'deployment/web',
      container: ['nginx'],
      place: 'configmap',
      patch: 'kustomize',
      image: 'busybox:1.36',
      directory: 'apps',
    });
    expect(made.files.map(({ name }) => name)).toEqual([
      'kustomization.yaml',
      'web-seccomp.yaml',
      'seccomp-nginx-configmap.yaml',
    ]);
    expect(object(fileIn(made, 'kustomization.yaml'))).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      resources: ['seccomp-nginx-configmap.yaml'],
      patches: [{ path: 'web-seccomp.yaml', target: { kind: 'Deployment', name: 'web' } }],
    });
    const config = object(fileIn(made, 'configmap.yaml')) as { data: Record<string, string> };
    expect(config.data).toEqual({ 'nginx.json': nginx.text });
    const { spec } = podOf(object(fileIn(made, 'web-seccomp.yaml')), ['spec', 'template']);
    expectValid(schemas.podSpec(true), spec);
    const script = spec.initContainers?.[0]?.command[2] ?? '';
    // Kubernetes makes `$` of `$$`, and a value of `$(NAME)`.
    expect(script).not.toMatch(/\$[$(]/);
    expect(script).toMatch(/mv -f "[^"]+" \/node\/apps\/nginx\.json$/);
    expect(made.notes.join()).toMatch(/hostPath[\s\S]*nothing removes the file again/);
  });

  test('the script of the init container puts the file in place, whole', async () => {
    const made = await exported('kubernetes', nginx, {
      ...{ workload: 'pod/web', container: ['c'], place: 'configmap', image: 'x' },
      ...{ directory: 'a/b' },
    } as ExportOptions);
    const { spec } = object(fileIn(made, 'web-seccomp.yaml')) as unknown as PodPatch;
    const script = (spec.initContainers?.[0]?.command[2] ?? '')
      .replaceAll('/node', '"$T"/node')
      .replaceAll('""$T"', '"$T')
      .replace('/profile/', '"$T"/profile/');
    const run = spawnSync(
      'sh',
      [
        '-ec',
        `T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; mkdir "$T/profile"; cat >"$T/profile/nginx.json"; ` +
          `POD_UID=1-2; ${script}; find "$T/node" -type f | sed "s|$T||"; cat "$T/node/a/b/nginx.json"`,
      ],
      { input: nginx.text, encoding: 'utf8' },
    );
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe(`/node/a/b/nginx.json\n${nginx.text}`);
  });

  test('what a patch needs, and what is no name', async () => {
    const one = profile();
    for (const options of [
      {},
      { workload: 'web' },
      { workload: 'service/web' },
      { workload: 'pod/a/b' },
      { workload: 'pod/web', place: 'configmap' },
      { workload: 'pod/web', place: 'configmap', container: ['c'] },
      { workload: 'pod/web', image: 'x' },
    ] as ExportOptions[]) {
      expect([options, (await refusal('kubernetes', one, options)).kind]).toEqual([
        options,
        'usage',
      ]);
    }
    for (const options of [
      { workload: 'pod/Web' },
      { workload: 'pod/' },
      { workload: 'pod/web', container: ['a b'] },
      { workload: 'pod/web', namespace: 'a.b' },
      { workload: 'pod/web', place: 'configmap', container: ['c'], image: 'x; rm -rf /' },
    ] as ExportOptions[]) {
      expect([options, (await refusal('kubernetes', one, options)).code]).toEqual([
        options,
        'name-invalid',
      ]);
    }
  });
});

describe('crio', () => {
  test("the node's default: a drop-in that TOML reads, and the file", async () => {
    const made = await exported('crio', nginx);
    const read = spawnSync(
      'python3',
      ['-c', 'import json,sys,tomllib; print(json.dumps(tomllib.loads(sys.stdin.read())))'],
      { input: fileIn(made, '.conf'), encoding: 'utf8' },
    );
    expect(JSON.parse(read.stdout)).toEqual({
      crio: { runtime: { seccomp_profile: '/etc/crio/seccomp/nginx.json' } },
    });
    expect(fileIn(made, 'nginx.json')).toBe(nginx.text);
    expect(made.notes.join()).toContain('every pod with RuntimeDefault');
  });

  test('an annotation under both names, with what makes it go by unread', async () => {
    const made = await exported('crio', nginx, {
      artifact: 'quay.io/me/nginx-seccomp:v1',
      workload: 'deployment/web',
      container: ['nginx'],
    });
    expect(object(fileIn(made, '.yaml'))).toMatchObject({
      spec: {
        template: {
          metadata: {
            annotations: {
              'seccomp-profile.crio.io/nginx': 'quay.io/me/nginx-seccomp:v1',
              'seccomp-profile.kubernetes.cri-o.io/nginx': 'quay.io/me/nginx-seccomp:v1',
            },
          },
        },
      },
    });
    expect(made.notes.join()).toMatch(/allowed_annotations[\s\S]*goes by unread[\s\S]*no digest/);
    const digest = `quay.io/me/x@sha256:${'0'.repeat(64)}`;
    const pinned = await exported('crio', nginx, { artifact: digest, workload: 'pod/web' });
    expect(fileIn(pinned, '.yaml')).toContain('seccomp-profile.crio.io/POD');
    expect(pinned.notes.join()).not.toContain('no digest');
  });

  test('options of the other way', async () => {
    expect((await refusal('crio', profile(), { workload: 'pod/x' })).kind).toBe('usage');
    expect((await refusal('crio', profile(), { artifact: 'x', root: '/x' })).kind).toBe('usage');
  });
});

test('compose: services that read the file beside them', async () => {
  const made = await exported('compose', nginx, { container: ['web', 'db_1'] });
  expect(object(fileIn(made, '.yaml'))).toEqual({
    services: {
      web: { security_opt: ['seccomp=./nginx.json'] },
      db_1: { security_opt: ['seccomp=./nginx.json'] },
    },
  });
  expect(fileIn(made, '.json')).toBe(nginx.text);
  expect((await refusal('compose', profile(), { container: ['a/b'] })).code).toBe('name-invalid');
});

test('podman: a unit, or a drop-in for one', async () => {
  const unit = await exported('podman', nginx, { image: 'docker.io/library/nginx:1.27' });
  expect(fileIn(unit, 'nginx.container')).toBe(
    '[Container]\nImage=docker.io/library/nginx:1.27\nSeccompProfile=/etc/containers/seccomp/nginx.json\n',
  );
  const dropIn = await exported('podman', nginx, { objectName: 'web', root: '/opt/profiles' });
  expect(fileIn(dropIn, 'web.container.d/10-seccomp.conf')).toBe(
    '[Container]\nSeccompProfile=/opt/profiles/nginx.json\n',
  );
  for (const image of ['%h', 'a b', 'x\nExecStart=/bin/sh', '']) {
    expect((await refusal('podman', profile(), { image })).code).toBe('name-invalid');
  }
});

describe('every format', () => {
  const options: Readonly<Record<string, ExportOptions>> = {
    kubernetes: { workload: 'pod/web' },
  };
  const FORMATS = [
    ...['machineconfig', 'ignition', 'butane', 'scc', 'spo', 'kubernetes'],
    ...['crio', 'docker', 'compose', 'podman', 'containerd'],
  ];

  test('is there', () => {
    expect([...EXPORT_FORMATS.keys()]).toEqual(expect.arrayContaining(FORMATS));
  });

  test.each(FORMATS)('%s refuses what runc and crun read apart', async (to) => {
    // Alternatives under both; crun reads the first six.
    const args = [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((value) => ({
      ...{ index: 0, value, valueTwo: 0n, op: 'SCMP_CMP_EQ' as const },
    }));
    const from = rule({ args });
    const error = await refusal(to, from, options[to]);
    expect(error.code).toBe('export-runtimes-differ');
    expect(error.message).toContain('read of x86_64');
    // A SeccompProfile has six at most anyway.
    if (to === 'spo') return;
    const made = await exported(to, named(from), { ...options[to], runtime: 'runc' });
    expect(made.files).not.toEqual([]);
  });

  test.each(FORMATS)('%s refuses what the runtime refuses', async (to) => {
    const from = rule({ names: ['write'], action: 'SCMP_ACT_NOTIFY' });
    const error = await refusal(to, from, options[to]);
    expect([error.kind, error.message.startsWith('app.json: under runc on x86_64: ')]).toEqual([
      'input',
      true,
    ]);
  });

  test.each(FORMATS.filter((to) => !['spo', 'scc'].includes(to)))(
    '%s writes without flags what has empty ones, and says so',
    async (to) => {
      const made = await exported(to, named(profile({ flags: [] })), options[to]);
      expect(made.notes.join()).toContain('without flags');
    },
  );
});

describe('docker, by release', () => {
  test.each([
    ['another errno by default', profile({ defaultErrnoRet: 38 }), 'defaultErrnoRet'],
    ['flags', profile({ flags: ['SECCOMP_FILTER_FLAG_LOG'] }), 'flags'],
    ['a listener', profile({ listenerPath: '/run/x' }), 'listenerPath'],
  ])('%s is not read by 20.10', async (_name, from, field) => {
    const error = await refusal('docker', from, { engineVersion: '20.10.24' });
    expect([error.code, error.message.includes(field)]).toEqual(['export-unread', true]);
    await exported('docker', named(from), { engineVersion: '24.0' });
    await exported('docker', named(from));
  });

  test('what cannot be decided any more, once a field of it is not read', async () => {
    const from: Profile = {
      defaultAction: 'SCMP_ACT_TRACE',
      defaultErrnoRet: 4094,
      architectures: ['SCMP_ARCH_X32'],
      syscalls: [
        {
          names: ['statx'],
          action: 'SCMP_ACT_TRACE',
          errnoRet: 4094,
          args: [{ index: 0, op: 'SCMP_CMP_NE', value: 1n, valueTwo: 0n }],
        },
        { names: ['mmap2'], action: 'SCMP_ACT_ERRNO', args: [] },
      ],
    };
    const error = await refusal('docker', from, { engineVersion: '20.10', runtime: 'runc' });
    expect([error.code, error.message.includes('app.json: defaultErrnoRet')]).toEqual([
      'export-unread',
      true,
    ]);
  });

  test('EPERM by default is what it does unasked', async () => {
    const made = await exported('docker', named(profile({ defaultErrnoRet: 1 })), {
      engineVersion: '20.10',
    });
    expect(fileIn(made, '.json')).toContain('defaultErrnoRet');
  });
});

test.each(['machineconfig', 'spo', 'scc'])(
  '%s says which machines were not checked',
  async (to) => {
    const from = profile({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_S390X'] });
    expect((await exported(to, named(from))).notes.join()).toContain(
      'SCMP_ARCH_S390X was not checked',
    );
  },
);

test('a listener is told of', async () => {
  const from = rule({ action: 'SCMP_ACT_NOTIFY' });
  const made = await exported('containerd', named({ ...from, listenerPath: '/run/agent.sock' }));
  expect(made.notes.join()).toContain('a listener must wait at "/run/agent.sock"');
});

describe('YAML', () => {
  test.each([
    'plain',
    'yes',
    'No',
    'null',
    '~',
    '1e3',
    '0x1f',
    '1_000',
    '12:30:45',
    '- x',
    'a: b',
    'a #b',
    '"quoted"',
    "it's",
    '',
    ' lead',
    'trail ',
    'two\nlines',
    'block\nends\n',
    'block\n\nwith a gap\n',
    'block\n\n',
    '\tblock\n',
    ' block\n',
    'a\u2028b\n',
    '%directive\n',
    '---\n',
    '# comment\nx\n',
    '=',
    '<<',
    '\u0007bell',
    'ünïcode',
  ])('%j is itself again under both versions and here', async (text) => {
    const written = toYaml({ [text]: text, list: [text, [text], { [text]: text }], n: 1n << 62n });
    const wanted = { [text]: text, list: [text, [text], { [text]: text }] };
    expect(object(written)).toMatchObject(wanted);
    // Keys that are no plain word are for people's own objects; the reader here refuses none of these.
    const { value } = await readYaml(written, 'the result');
    expect(value).toEqual({ ...wanted, n: 1n << 62n });
  });
});
