/** `sysieve export` and `sysieve import` as users run them. Needs dist/. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(__dirname, '../../dist/cli/main.js');
const PROFILES = join(__dirname, '../../profiles');

let directory: string;
const at = (name: string) => join(directory, name);
beforeEach(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  directory = mkdtempSync(join(tmpdir(), 'sysieve-export-'));
  for (const name of ['nginx.json', 'redis.json']) copyFileSync(join(PROFILES, name), at(name));
});
afterEach(() => rmSync(directory, { recursive: true }));

function sysieve(args: readonly string[], input = '') {
  const result = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    cwd: directory,
    input,
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}
const run = (line: string, input = '') => sysieve(line.split(' '), input);

const text = (name: string) => readFileSync(at(name), 'utf8');

test('to a MachineConfig and back: the same bytes', () => {
  const made = run('export nginx.json redis.json --to machineconfig -o mc.yaml');
  expect(made).toMatchObject({ status: 0, out: '' });
  expect(made.err).toContain('rebooted');
  expect(run('import mc.yaml --from machineconfig -o back/').status).toBe(0);
  expect(readdirSync(at('back')).sort()).toEqual(['nginx.json', 'redis.json']);
  for (const name of ['nginx.json', 'redis.json']) {
    expect(text(join('back', name))).toBe(text(name));
  }
  expect(run('diff nginx.json back/nginx.json --format json').out).toContain('"identical"');
});

test('the summary as JSON, and nothing else on standard output', () => {
  const { status, out } = run('export nginx.json --to podman -o unit/ --json');
  expect(status).toBe(0);
  const summary = JSON.parse(out);
  expect(summary).toMatchObject({
    version: 1,
    format: 'podman',
    profiles: [{ name: 'nginx', source: 'nginx.json' }],
    files: [
      { path: 'unit/nginx.container.d/10-seccomp.conf', bytes: expect.any(Number) },
      { path: 'unit/nginx.json', bytes: Buffer.byteLength(text('nginx.json')) },
    ],
  });
  expect(summary.notes.join()).toContain('Podman 5.0');
  const back = run('import unit/nginx.json --from podman -o back.json --json');
  expect(JSON.parse(back.out)).toMatchObject({ version: 1, kind: 'profiles', format: 'podman' });
});

test('through pipes, without a file', () => {
  const spo = run('export - --name web --to spo -o -', text('nginx.json'));
  expect(spo.status).toBe(0);
  expect(spo.out).toContain('name: web\n');
  const back = run('import - --from spo -o -', spo.out);
  expect(back.status).toBe(0);
  // EPERM by default is not written there.
  expect(back.out).toBe(text('nginx.json').replace('  "defaultErrnoRet": 1,\n', ''));
});

test('a refusal is status 3 with the place and the remedy, and writes nothing', () => {
  writeFileSync(at('p.json'), '{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}');
  const { status, out } = run('export p.json --to spo -o p.yaml --json');
  expect(status).toBe(3);
  expect(JSON.parse(out).error).toMatchObject({
    code: 'export-spo',
    message: expect.stringContaining('p.json: defaultErrnoRet: '),
    remedy: expect.stringContaining('--to machineconfig'),
  });
  expect(existsSync(at('p.yaml'))).toBe(false);
});

test('what has gates is no profile to export; import makes one of it', () => {
  writeFileSync(
    at('gated.json'),
    '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}]}',
  );
  const refused = run('export gated.json --to containerd -o out.json');
  expect([refused.status, refused.err.includes('sysieve import')]).toEqual([3, true]);
  expect(run('import gated.json --from docker -o plain.json').status).toBe(3);
  expect(run('import gated.json --from docker --caps bpf -o plain.json').status).toBe(0);
  expect(run('export plain.json --to containerd -o out.json').status).toBe(0);
  expect(text('out.json')).toBe(text('plain.json'));
});

test.each([
  ['an unknown format', 'export nginx.json --to nothing -o x', 'Give one of machineconfig'],
  ['an unknown source', 'import nginx.json --from nothing -o x', 'Give one of docker'],
  [
    'an option of another format',
    'export nginx.json --to docker --role a -o x',
    '--role has no meaning',
  ],
  ['an option of another source', 'import nginx.json --from spo --caps none -o x', '--caps has no'],
  ['several where one goes', 'export nginx.json redis.json --to spo -o x', 'one file at a time'],
  ['several imports', 'import nginx.json redis.json --from spo -o x', 'one file at a time'],
  [
    'one name for several',
    'export nginx.json redis.json --to ignition --name a -o x',
    '--name names',
  ],
  ['no name', 'export - --to spo -o x', 'has no name'],
  ['two kinds of output', 'export nginx.json --to spo -o - --json', 'both want standard output'],
  ['several files to one', 'export nginx.json --to podman -o -', 'Give a directory'],
  [
    'several files to a new one',
    'export nginx.json --to podman -o x.json',
    'or x.json/ to make it',
  ],
  ['standard input twice', 'export - - --to ignition -o x', 'only once'],
  [
    'what would overwrite its source',
    'export nginx.json --to docker -o nginx.json',
    'would overwrite',
  ],
  ['the same in a directory', 'export nginx.json --to docker -o .', 'would overwrite'],
  [
    'an import over its source',
    'import nginx.json --from docker -o ./nginx.json',
    'would overwrite',
  ],
])('%s is a mistake of usage', (_name, line, says) => {
  const { status, err, out } = run(line);
  expect([status, `${err}${out}`.includes(says)]).toEqual([2, true]);
  expect(readdirSync(directory).sort()).toEqual(['nginx.json', 'redis.json']);
});

test('names', () => {
  copyFileSync(at('nginx.json'), at('Not_a_name.json'));
  expect(run('export Not_a_name.json --to spo -o x.yaml').err).toContain('--name');
  mkdirSync(at('sub'));
  copyFileSync(at('nginx.json'), at('sub/nginx.json'));
  const { status, err } = run('export nginx.json sub/nginx.json --to ignition -o x.ign');
  expect([status, err.includes('would both be named nginx')]).toEqual([3, true]);
});

test('nothing is written through a symbolic link, and nothing when one of the files cannot be', () => {
  writeFileSync(at('target'), 'kept');
  mkdirSync(at('out'));
  symlinkSync(at('target'), at('out/nginx.json'));
  const { status, err } = run('export nginx.json --to podman -o out');
  expect([status, err.includes('symbolic link')]).toEqual([3, true]);
  expect(text('target')).toBe('kept');
  expect(readdirSync(at('out/nginx.container.d'))).toEqual([]);
  writeFileSync(at('file'), '');
  expect(run('export nginx.json --to podman -o file/below/').status).toBe(3);
});

test('where one of the files does not fit, none is written', () => {
  mkdirSync(at('out'));
  // 512 bytes a file: enough for what names the profile, and not for the profile.
  const limited = `trap '' XFSZ; ulimit -f 1; exec "$@"`;
  const line = [MAIN, 'export', 'nginx.json', '--to', 'compose', '-o', 'out'];
  const { status, stderr } = spawnSync('sh', ['-c', limited, 'sh', process.execPath, ...line], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([4, expect.stringContaining('cannot write out/nginx.json')]);
  expect(readdirSync(at('out'))).toEqual([]);
});

test('names out of a file lead nowhere', () => {
  const source = `data:;base64,${Buffer.from('{"defaultAction": "SCMP_ACT_KILL"}').toString('base64')}`;
  const files = ['../../../up.json', '.hidden.json', 'a/b.json', 'a_b.json', '$(x).json'].map(
    (name) => ({ path: `/seccomp/${name}`, contents: { source } }),
  );
  writeFileSync(
    at('evil.ign'),
    JSON.stringify({ ignition: { version: '3.2.0' }, storage: { files } }),
  );
  expect(run('import evil.ign --from ignition -o into/').status).toBe(0);
  expect(readdirSync(at('into')).sort()).toEqual([
    '_.._.._up.json',
    '__x_.json',
    'a_b-2.json',
    'a_b.json',
    'hidden.json',
  ]);
  expect(existsSync(at('up.json'))).toBe(false);
});

test('the help names each format with its options', () => {
  const { out } = run('export --help');
  expect(out).toMatch(/machineconfig\s+OpenShift's MachineConfig[^\n]*\n\s+--runtime.*--role/);
  expect(run('import --help').out).toMatch(/spo\s+the Security Profiles[^\n]*\n\s+--without-base/);
});
