/** sysieve.config.json: what is read, what is said about what is not, and its JSON Schema. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { configJsonSchema, milliseconds, parseConfig } from '../../src/config';
import { profilePath, readConfig, selectApps } from '../../src/staging/config-file';

const FULL = {
  $schema: './node_modules/sysieve/docs/schema/config.json',
  apps: {
    web: {
      engine: 'docker',
      image: 'nginx:1.27',
      command: ['nginx', '-g', 'daemon off;'],
      run: {
        network: 'host',
        ports: ['127.0.0.1:8080:80/tcp', '53:53/udp'],
        volumes: [{ source: './conf', target: '/etc/nginx', readOnly: true }],
        tmpfs: ['/tmp'],
        env: { A: 'b' },
        ulimits: { nofile: '1024:2048' },
        capDrop: ['ALL'],
      },
      under: 'default',
      ready: { tcp: 8080, timeout: '30s' },
      workload: [
        { command: ['wrk', 'http://127.0.0.1:8080'], repeat: 2 },
        { command: ['nginx', '-s', 'reload'], in: 'container' },
      ],
      stop: { signal: 'SIGQUIT', timeout: '5s' },
      stable: { runs: 2, quiet: '10s', maxRuns: 5, maxTime: '10m' },
      minimise: { args: 'safe', runtime: ['runc'], allow: ['mount'] },
      profile: 'seccomp/web.json',
      targets: ['docker', 'spo'],
    },
    cli: { command: ['ls', '/'] },
    copy: { container: 'web', ready: { http: 'http://127.0.0.1:1/' } },
  },
};

function fault(apps: unknown): { code: string; message: string; remedy: string | undefined } {
  const text = JSON.stringify({ apps }, null, 2);
  try {
    parseConfig(text, 'c.json');
  } catch (thrown) {
    return thrown as never;
  }
  throw new Error('it was taken');
}

test('what is right is taken as it is', () => {
  expect(parseConfig(JSON.stringify(FULL), 'c.json')).toEqual(FULL);
});

test.each([
  [
    'a key of an app',
    { web: { imagee: 'x' } },
    '4:7',
    'apps.web.imagee: no such key is known; did you mean "image"?',
  ],
  [
    'a key in a union',
    { web: { image: 'x', ready: { tcp: 1, timout: '1s' } } },
    '7:9',
    'did you mean "timeout"?',
  ],
  [
    'a key in a list',
    { web: { image: 'x', workload: [{ command: ['x'], repeats: 1 }] } },
    '10:11',
    'did you mean "repeat"?',
  ],
  [
    'a key that is near to none',
    { web: { image: 'x', zzzzzz: 1 } },
    '5:7',
    'apps.web.zzzzzz: no such key is known',
  ],
  ['no program', { web: {} }, '3:12', 'expected an image, a container or a command'],
  ['image and container', { web: { image: 'a', container: 'b' } }, '5:20', 'not both'],
  [
    'a name',
    { Web: { image: 'x' } },
    '3:5',
    'not a key that goes here: expected a name of at most',
  ],
  [
    'a duration',
    { web: { image: 'x', stable: { quiet: '5' } } },
    '6:18',
    'expected a duration such as 500ms, 30s, 5m or 1h, found "5"',
  ],
  [
    'a port as text',
    { web: { image: 'x', ready: { tcp: '80' } } },
    '6:16',
    'expected a port, or "HOST:PORT", found "80"',
  ],
  [
    'a port too high',
    { web: { image: 'x', ready: { tcp: 'h:70000' } } },
    '6:16',
    'expected ports from 1 to 65535',
  ],
  [
    'a published port too high',
    { web: { image: 'x', run: { ports: ['1:2', '70000:1'] } } },
    '8:11',
    'expected ports from 1 to 65535',
  ],
  [
    'no kind of ready',
    { web: { image: 'x', ready: {} } },
    '5:16',
    'expected one of tcp, http, log and command',
  ],
  [
    'two kinds of ready',
    { web: { image: 'x', ready: { tcp: 1, log: 'x' } } },
    '5:16',
    'expected one of tcp, http, log and command',
  ],
  [
    'a scheme',
    { web: { image: 'x', ready: { http: 'file:///x' } } },
    '6:17',
    'expected a URL of http or https',
  ],
  [
    'a workload as text',
    { web: { image: 'x', workload: 'ls' } },
    '5:19',
    'expected an object with a command, or a list',
  ],
  [
    'an empty command',
    { web: { image: 'x', workload: { command: [] } } },
    '6:20',
    'workload.command',
  ],
  ['NUL', { web: { image: 'x\0' } }, '4:16', 'expected no NUL character'],
  [
    'a relative target',
    { web: { image: 'x', run: { tmpfs: ['tmp'] } } },
    '7:11',
    'expected an absolute path',
  ],
  [
    'one target twice',
    { web: { image: 'x', run: { volumes: [{ source: 'a', target: '/x' }], tmpfs: ['/x/'] } } },
    '13:11',
    'expected one mount at "/x/"',
  ],
  [
    'a command with run',
    { web: { command: ['x'], run: { env: { A: 'b' }, network: 'none' } } },
    '11:20',
    'not of a command of the host',
  ],
  [
    'a command with an engine',
    { web: { command: ['x'], engine: 'docker' } },
    '7:17',
    'not of a command of the host',
  ],
  [
    'a step in no container',
    { web: { command: ['x'], workload: { command: ['y'], in: 'container' } } },
    '11:15',
    'not of a command of the host',
  ],
  [
    'one profile for two',
    { a: { image: 'x' }, b: { image: 'x', profile: './profiles/../profiles/a.json' } },
    '8:18',
    'profiles/a.json is written for "a"',
  ],
  [
    'a profile that is evidence',
    { a: { image: 'x' }, b: { image: 'x', profile: 'profiles/a.evidence.json' } },
    '8:18',
    'is written for "a"',
  ],
  ['a profile that is no JSON', { a: { image: 'x', profile: 'a.yaml' } }, '5:18', 'ends in .json'],
  ['an engine', { a: { image: 'x', engine: 'lxc' } }, '5:17', 'apps.a.engine'],
])('%s: where and what', (_what, apps, where, says) => {
  const { code, message, remedy } = fault(apps);
  expect(code).toBe('config-schema');
  expect(message).toContain(`c.json:${where}: not a config: `);
  expect(message).toContain(says);
  expect(remedy).toBe("Run 'sysieve schema config': it prints what a config holds.");
});

test.each([
  ['cut', '{"apps": {', 'config-truncated'],
  ['no JSON', '{"apps": {},}', 'config-syntax'],
  ['a key twice', '{"apps": {}, "apps": {}}', 'config-duplicate-key'],
])('%s', (_what, text, code) => {
  expect(() => parseConfig(text, 'c.json')).toThrow(expect.objectContaining({ code }));
});

test('durations', () => {
  expect(['500ms', '30s', '5m', '1h'].map(milliseconds)).toEqual([500, 30_000, 300_000, 3_600_000]);
});

describe('the JSON Schema', () => {
  const validate = new Ajv({ allErrors: true, unknownFormats: ['uri'] }).compile(
    configJsonSchema(),
  );

  test('takes what the parser takes', () => {
    validate(FULL);
    expect(validate.errors).toBeNull();
  });

  test.each([
    ['an unknown key', { apps: { web: { imagee: 'x' } } }],
    ['a name', { apps: { Web: { image: 'x' } } }],
    ['two kinds of ready', { apps: { web: { image: 'x', ready: { tcp: 1, log: 'x' } } } }],
    ['no apps', {}],
  ])('refuses %s', (_what, config) => {
    expect(validate(config)).toBe(false);
  });

  test('every default in it is one that it takes, and every key of an app is described', () => {
    let defaults = 0;
    const visit = (schema: { default?: unknown; properties?: object }): void => {
      if ('default' in schema) {
        defaults += 1;
        expect(new Ajv().validate(schema, schema.default)).toBe(true);
      }
      for (const value of Object.values(schema)) {
        if (typeof value === 'object' && value !== null) visit(value as never);
      }
    };
    visit(configJsonSchema());
    expect(defaults).toBeGreaterThan(10);
  });

  test('the one in docs/ is this one', () => {
    const path = join(__dirname, '../../docs/schema/config.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    );
  });
});

describe('the file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sysieve-config-'));
    mkdirSync(join(directory, 'sub'));
    writeFileSync(join(directory, 'sub', 'c.json'), JSON.stringify(FULL));
    writeFileSync(join(directory, 'empty.json'), '{"apps": {}}');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('its paths start from its directory', async () => {
    const file = await readConfig(join(directory, 'sub', 'c.json'));
    expect(file.directory).toBe(join(directory, 'sub'));
    expect(selectApps(file, ['cli', 'web']).map(profilePath)).toEqual([
      join(directory, 'sub', 'seccomp/web.json'),
      join(directory, 'sub', 'profiles/cli.json'),
    ]);
    expect(selectApps(file, []).map(({ name }) => name)).toEqual(['web', 'cli', 'copy']);
  });

  test('a missing one: how to write it', async () => {
    const path = join(directory, 'none.json');
    await expect(readConfig(path)).rejects.toMatchObject({
      kind: 'input',
      code: 'config-missing',
      remedy: expect.stringContaining('sysieve init'),
    });
  });

  test('an app that it has not', async () => {
    const file = await readConfig(join(directory, 'sub', 'c.json'));
    expect(() => selectApps(file, ['wbe'])).toThrow(
      expect.objectContaining({ code: 'app-unknown', remedy: 'Did you mean web?' }),
    );
    expect(() => selectApps(file, ['database'])).toThrow(
      expect.objectContaining({ remedy: 'Give one of web, cli, copy.' }),
    );
    const empty = await readConfig(join(directory, 'empty.json'));
    expect(() => selectApps(empty, [])).toThrow(expect.objectContaining({ code: 'config-empty' }));
  });
});
