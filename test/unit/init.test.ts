/** `sysieve init --compose`, through the built command. Needs dist/. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { looksSecret, withApps } from '../../src/config';
import { listeningIn } from '../../src/engines/listening';
import { readCompose } from '../../src/import';
import { interpolate } from '../../src/import/interpolate';
import { splitWords } from '../../src/import/words';

const MAIN = join(__dirname, '../../dist/cli/main.js');
const VARIABLES: Record<string, string> = { TAG: '1.28', EMPTY: '' };

function imported(text: string, base = '') {
  return readCompose(text, 'compose.yaml', { variable: (name) => VARIABLES[name], base });
}

const service = async (...lines: string[]) => {
  const text = ['services:', '  web:', '    image: a', ...lines.map((line) => `    ${line}`)].join(
    '\n',
  );
  const { apps, notes } = await imported(text, 'deploy');
  return { app: apps.web, run: apps.web?.run, notes };
};

describe('a service', () => {
  test.each([
    [
      'environment as a map',
      ['environment:', '  A: b', '  N: 1', '  T: true', '  TAG:'],
      { env: { A: 'b', N: '1', T: 'true', TAG: '1.28' } },
    ],
    ['environment as a list', ['environment: [A=b=c, TAG]'], { env: { A: 'b=c', TAG: '1.28' } }],
    ['variables', ['environment: ["A=${TAG}-${NO:-x}$$"]'], { env: { A: '1.28-x$' } }],
    [
      'short volumes',
      ['volumes: ["./c:/c:ro", "data:/d", "/abs:/e"]'],
      {
        volumes: [
          { source: './deploy/c', target: '/c', readOnly: true },
          { source: 'data', target: '/d' },
          { source: '/abs', target: '/e' },
        ],
      },
    ],
    ['a volume above', ['volumes: ["../x:/c"]'], { volumes: [{ source: './x', target: '/c' }] }],
    [
      'a long volume',
      ['volumes:', '  - {type: bind, source: ./c, target: /c, read_only: true}'],
      { volumes: [{ source: './deploy/c', target: '/c', readOnly: true }] },
    ],
    [
      'tmpfs in both ways',
      ['tmpfs: [/a]', 'volumes:', '  - {type: tmpfs, target: /b}'],
      { tmpfs: ['/a', '/b'] },
    ],
    [
      'sizes and limits',
      ['shm_size: 64m', 'ulimits:', '  nproc: 5', '  nofile: {soft: 1, hard: 2}'],
      { shmSize: 67_108_864, ulimits: { nproc: '5', nofile: '1:2' } },
    ],
    [
      'rights',
      [
        'user: "1:2"',
        'cap_add: [NET_ADMIN]',
        'cap_drop: [ALL]',
        'read_only: true',
        'security_opt: ["no-new-privileges:true"]',
      ],
      {
        user: '1:2',
        capAdd: ['NET_ADMIN'],
        capDrop: ['ALL'],
        readOnly: true,
        noNewPrivileges: true,
      },
    ],
    [
      'network, entrypoint, the rest',
      ['network_mode: host', 'entrypoint: a "b c"', 'working_dir: /w', 'hostname: h'],
      { network: 'host', entrypoint: ['a', 'b c'], workdir: '/w', hostname: 'h' },
    ],
  ])('%s', async (_what, lines, run) => {
    const found = await service(...lines);
    expect([found.run, found.notes]).toEqual([run, []]);
  });

  test('ports, unquoted or long, and when it is ready', async () => {
    const { app, notes } = await service(
      'ports:',
      '  - 8080:80',
      '  - {target: 53, published: 5353, protocol: udp}',
    );
    expect(app).toMatchObject({ run: { ports: ['8080:80', '5353:53/udp'] }, ready: { tcp: 8080 } });
    expect(notes).toEqual([
      'compose.yaml:4:5: guessed: it is ready when port 8080 takes connections',
    ]);
  });

  test.each([
    ['["CMD", "a", "b"]', { command: ['a', 'b'], in: 'container' }],
    ['["CMD-SHELL", "a | b"]', { command: ['/bin/sh', '-c', 'a | b'], in: 'container' }],
    ['a | b', { command: ['/bin/sh', '-c', 'a | b'], in: 'container' }],
    ['["NONE"]', undefined],
  ])('the health check %s', async (check, ready) => {
    const { app, notes } = await service('healthcheck:', `  test: ${check}`, '  interval: 5s');
    expect([app?.ready, notes]).toEqual([ready, []]);
  });

  test('how it stops', async () => {
    const { app } = await service('stop_signal: QUIT', 'stop_grace_period: 1m30s');
    expect(app?.stop).toEqual({ signal: 'SIGQUIT', timeout: '90s' });
  });

  test.each([
    ['an unknown key', 'cpus: 0.5', 'compose.yaml:4:5: cpus is not taken over'],
    ['a random port', 'ports: ["80"]', 'ports: not taken over: expected one port'],
    ['a range of ports', 'ports: ["80-81:80-81"]', 'ports: not taken over: expected one port'],
    ['an unnamed volume', 'volumes: [/x]', 'volumes: not taken over'],
    ['a volume in a home', 'volumes: ["~/x:/x"]', 'volumes: not taken over'],
    ['a volume option', 'volumes: ["./a:/x:z"]', 'the option z is not taken over'],
    ["another container's network", 'network_mode: service:db', 'the network of another container'],
    ['a security option', 'security_opt: ["seccomp:p.json"]', 'sysieve chooses the filter'],
    ['privileged', 'privileged: true', 'privileged is not taken over: what it may do'],
    [
      'a variable that is not set',
      'user: ${NO}',
      'compose.yaml:4:5: NO is not set, and is taken as empty',
    ],
    ['one that must be', 'user: "${NO:?say who}"', 'taken as empty (say who)'],
    ['a secret', 'environment: {DB_PASSWORD: hunter2}', 'looks like a secret and is left out'],
    ['a time', 'stop_grace_period: soon', 'expected a time such as 30s'],
  ])('%s is told, with its place', async (_what, line, says) => {
    const { notes } = await service(line);
    expect(notes.join('\n')).toContain(says);
    expect(notes.join('\n')).not.toContain('hunter2');
    expect(notes.every((note) => /^compose\.yaml:\d+:\d+: /.test(note))).toBe(true);
  });

  test('without an image it is left out, and that is told', async () => {
    const { apps, notes } = await imported('services: {web: {build: .}, x: {}}');
    expect(apps).toEqual({});
    expect(notes).toEqual([
      expect.stringContaining('web is built'),
      expect.stringContaining('x has no image'),
    ]);
  });
});

test.each([
  ['an alias', 'a: &x {b: 1}\nservices: {web: *x}', 'compose-syntax', 'docker compose config'],
  [
    'a bomb of aliases',
    `a: &a [x,x]\nb: &b [*a,*a]\nservices: {web: {image: *b}}`,
    'compose-syntax',
    'docker compose config',
  ],
  ['a tag', 'services: {web: !!js/function "x"}', 'compose-syntax', 'docker compose config'],
  ['no YAML', 'services: [', 'compose-syntax', 'docker compose config'],
  ['no services', 'a: 1', 'compose-schema', 'services'],
  ['nothing', '', 'compose-truncated', 'whole'],
])('%s is refused', async (_what, text, code, remedy) => {
  await expect(imported(text)).rejects.toMatchObject({
    code,
    remedy: expect.stringContaining(remedy),
  });
});

test.each([
  ['$A', 'a'],
  ['${A}b', 'ab'],
  ['${B-x}', 'x'],
  ['${E-x}', ''],
  ['${E:-x}', 'x'],
  ['${A:+y}', 'y'],
  ['${B:+y}', ''],
  ['${B:-${A}}', 'a'],
  ['${B:-${C:-z}}', 'z'],
  ['$$A', '$A'],
  ['${', '${'],
  ['$', '$'],
  ['${1}', '${1}'],
])('interpolation of %s', (text, made) => {
  const values: Record<string, string> = { A: 'a', E: '' };
  expect(interpolate(text, { get: (name) => values[name], onMissing: () => undefined })).toBe(made);
});

test.each([
  ['a  b', ['a', 'b']],
  ['a \'b "c\' "d\\" e" f\\ g', ['a', 'b "c', 'd" e', 'f g']],
  ['""', ['']],
  ['', []],
  ['"a', null],
])('words of %j', (text, words) => {
  expect(splitWords(text)).toEqual(words);
});

test('what looks like a secret', () => {
  const secret = [
    'DB_PASSWORD',
    'API_KEY',
    'GITHUB_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'PGPASSWORD',
    'MYSQL_ROOT_PASSWORD',
  ];
  const plain = ['PATH', 'KEYBOARD', 'MONKEY', 'TZ', 'AUTHOR', 'COMPASS'];
  expect(secret.filter((name) => !looksSecret(name, 'x'))).toEqual([]);
  expect(plain.filter((name) => looksSecret(name, 'x'))).toEqual([]);
  expect(looksSecret('DATABASE_URL', 'postgres://u:p@h/db')).toBe(true);
  expect(looksSecret('DATABASE_URL', 'postgres://h/db')).toBe(false);
});

test('apps are added to a text that stays as it is', () => {
  const text = '{\n    "apps": {\n        "z": {"image":   "z"}\n    },\n    "$schema": "s"\n}\n';
  expect(withApps(text, 'c', { a: { image: 'i' } })).toBe(
    '{\n    "apps": {\n        "z": {"image":   "z"},\n        "a": {\n            "image": "i"\n        }\n    },\n    "$schema": "s"\n}\n',
  );
  expect(JSON.parse(withApps('{"apps":{}}', 'c', { a: { image: 'i' } }))).toEqual({
    apps: { a: { image: 'i' } },
  });
  expect(() => withApps(text, 'c', { z: { image: 'i' } })).toThrow(
    expect.objectContaining({ code: 'app-exists' }),
  );
});

test('ports that listen, of /proc/net/tcp', () => {
  const line = (port: string, state: string) =>
    `   0: 00000000:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1`;
  expect(
    listeningIn(
      ['  sl  local_address rem_address   st', line('1F90', '0A'), line('0050', '01')].join('\n'),
    ),
  ).toEqual([8080]);
});

test('the command writes, refuses to write over, adds and prints', () => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-init-'));
  try {
    const sysieve = (...args: string[]) =>
      spawnSync(process.execPath, [MAIN, 'init', ...args], { cwd: directory, encoding: 'utf8' });
    const config = () => JSON.parse(readFileSync(join(directory, 'sysieve.config.json'), 'utf8'));
    mkdirSync(join(directory, 'sub'));
    writeFileSync(join(directory, 'sub/.env'), '# tags\nTAG="9"\n');
    writeFileSync(
      join(directory, 'sub/c.yaml'),
      'services: {web: {image: "a:${TAG}", volumes: ["./x:/x"]}}',
    );
    writeFileSync(join(directory, 'd.yaml'), 'services: {db: {image: b}}');
    expect(sysieve('--compose', 'sub/c.yaml').status).toBe(0);
    const web = { image: 'a:9', run: { volumes: [{ source: './sub/x', target: '/x' }] } };
    expect(config()).toEqual({ $schema: expect.any(String), apps: { web } });
    expect(sysieve('--compose', 'd.yaml')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('--add'),
    });
    expect(config().apps).toEqual({ web });
    expect(sysieve('--compose', 'd.yaml', '--add').status).toBe(0);
    expect(Object.keys(config().apps)).toEqual(['web', 'db']);
    expect(JSON.parse(sysieve('--compose', 'd.yaml', '-o', '-').stdout).apps).toEqual({
      db: { image: 'b' },
    });
    expect(sysieve().status).toBe(2);
    expect(sysieve('--compose', 'd.yaml', '--container', 'x').status).toBe(2);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
