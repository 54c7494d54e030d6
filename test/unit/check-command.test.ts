/** `sysieve check --recording` through the built command: no kernel, no engine. Needs dist/. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { serializeRecording } from '../../src/recording';
import { type CallSpec, makeRecording, makeRun } from '../support/recordings';

const MAIN = join(__dirname, '../../dist/cli/main.js');

let directory: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sysieve-check-'));
  const apps = { web: { command: ['web'], minimise: { runtime: ['none'] } } };
  writeFileSync(join(directory, 'sysieve.config.json'), JSON.stringify({ apps }));
});
afterEach(() => rmSync(directory, { recursive: true }));

function sysieve(args: string[], env: Record<string, string> = {}) {
  const { CI: _, ...outer } = process.env;
  const result = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: directory,
    env: { ...outer, NO_COLOR: '1', COLUMNS: '200', ...env },
    encoding: 'utf8',
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

const BASE: (CallSpec | string)[] = ['read', 'write', 'close'];
const sockets = (...domains: bigint[]): CallSpec => ({
  call: 'socket',
  tuples: domains.map((domain) => [domain, 1n, 0n]),
});

/** A recording of these calls beside the config; its path. */
function recorded(
  name: string,
  calls: (CallSpec | string)[],
  executable = '/usr/sbin/web',
): string {
  const path = join(directory, name);
  const run = { ...makeRun(calls), executables: [executable] };
  writeFileSync(path, serializeRecording(makeRecording(run)));
  return path;
}

/** Commits the profile of these calls. */
function committed(calls: (CallSpec | string)[]): void {
  const path = recorded('first.json', calls);
  const { status, err } = sysieve(['check', '-u', '--recording', path]);
  if (status !== 0) throw new Error(err);
}

function check(calls: (CallSpec | string)[], ...args: string[]) {
  return sysieve(['check', '--recording', recorded('now.json', calls), ...args]);
}

test('the same again passes, and a second time; the profile is what minimise makes', () => {
  committed(BASE);
  const first = check(BASE);
  expect([first.status, first.out]).toEqual([0, expect.stringContaining('web: passed')]);
  expect(check(BASE).out).toBe(first.out);
  const path = join(directory, 'direct.json');
  const made = sysieve(['minimise', 'first.json', '-o', path, '--runtime', 'none']);
  expect([made.status, made.err]).toEqual([0, expect.any(String)]);
  expect(readFileSync(join(directory, 'profiles/web.json'), 'utf8')).toBe(
    readFileSync(path, 'utf8'),
  );
});

test('a new call fails the check: by name, executable, phase and line', () => {
  committed(BASE);
  const { status, out } = check([
    ...BASE,
    { call: 'rename', executables: [0], phases: ['steady'] },
  ]);
  expect(status).toBe(1);
  expect(out).toContain('web needs: rename by /usr/sbin/web, in steady (errno EPERM -> allow)');
  expect(out).toMatch(/profiles\/web\.json:\d+:\d+/);
});

test('so do new arguments of a call that is permitted with others', () => {
  committed([...BASE, sockets(1n)]);
  const { status, out } = check([...BASE, sockets(1n, 16n)]);
  expect(status).toBe(1);
  expect(out).toContain('web needs: socket with domain AF_NETLINK');
  const places = readFileSync(join(directory, 'profiles/web.json'), 'utf8').split('\n');
  const line = Number(/web\.json:(\d+):/.exec(out)?.[1]);
  expect(places[line - 1]).toContain('"socket"');
});

test('a call that was only denied is no need', () => {
  committed(BASE);
  expect(check([...BASE, { call: 'rename', denied: { '1': 3 } }]).status).toBe(0);
});

test('what would not enter a profile made anew says so', () => {
  committed(BASE);
  const { status, out } = check([...BASE, 'mount']);
  expect(status).toBe(1);
  expect(out).toContain('web needs: mount');
  expect(out).toMatch(/a profile made of this recording leaves it out as well: .*tier 2/);
});

test('what is permitted beyond need is told, and fails above --max-unused', () => {
  committed([...BASE, 'rename', 'unlink']);
  const free = check(BASE);
  expect([free.status, free.out]).toEqual([
    0,
    expect.stringContaining('permits 2 calls that it was not seen to need'),
  ]);
  expect(free.out).toContain('web was not seen to need: rename');
  expect(check(BASE, '--max-unused', '2').status).toBe(0);
  const over = check(BASE, '--max-unused', '1');
  expect([over.status, over.out]).toEqual([
    1,
    expect.stringContaining(
      'permits 2 calls that it was not seen to need, and at most 1 are accepted',
    ),
  ]);
});

test('a kind of arguments beyond need is one unused call', () => {
  committed([...BASE, sockets(1n, 2n)]);
  const { status, out } = check([...BASE, sockets(1n)], '--max-unused', '0');
  expect(status).toBe(1);
  expect(out).toContain('web was not seen to need: socket with domain AF_INET');
});

test('waivers: of a missing call, and of an unused one, which counts no more', () => {
  committed([...BASE, 'unlink']);
  const now = [...BASE, 'rename'];
  const { findings } = JSON.parse(check(now, '--json').out).apps[0];
  const waivers = findings.map(({ fingerprint }: { fingerprint: string }) => ({
    fingerprint,
    reason: 'known',
    expires: '2999-01-01',
  }));
  expect(check(now, '--max-unused', '0').status).toBe(1);
  writeFileSync(join(directory, 'sysieve.waivers.json'), JSON.stringify({ version: 1, waivers }));
  const waived = check(now, '--max-unused', '0');
  expect([waived.status, waived.out]).toEqual([
    0,
    expect.stringContaining('until 2999-01-01: known'),
  ]);
});

test('-u writes profile and evidence, keeps justifications, and then it passes', () => {
  committed(BASE);
  const evidence = join(directory, 'profiles/web.evidence.json');
  const document = JSON.parse(readFileSync(evidence, 'utf8'));
  document.justifications = { mount: 'it mounts its data' };
  writeFileSync(evidence, JSON.stringify(document));
  const now = [...BASE, 'rename', 'mount'];
  const updated = check(now, '-u');
  expect([updated.status, updated.out]).toEqual([0, expect.stringContaining('web: written')]);
  expect(JSON.parse(readFileSync(evidence, 'utf8')).justifications).toEqual(
    document.justifications,
  );
  expect(check(now).status).toBe(0);
  expect(check(now, '-u').out).toContain('web: unchanged');
});

test('-u is refused where CI is set, and writes nothing', () => {
  committed(BASE);
  const before = readFileSync(join(directory, 'profiles/web.json'), 'utf8');
  const path = recorded('now.json', [...BASE, 'rename']);
  const { status, err } = sysieve(['check', '-u', '--recording', path], { CI: 'true' });
  expect([status, err]).toEqual([2, expect.stringContaining('not for CI')]);
  expect(readFileSync(join(directory, 'profiles/web.json'), 'utf8')).toBe(before);
});

test('no profile: status 1, and how it is made', () => {
  const { status, out } = check(BASE);
  expect([status, out]).toEqual([1, expect.stringContaining('sysieve profile web')]);
});

test.each([
  ['an app that there is not', ['check', 'wbe'], 3, 'Did you mean web?'],
  ['no config', ['check', '--config', 'none.json'], 3, 'sysieve init'],
  ['a profile that is none', ['check', '--recording', 'first.json'], 3, 'profiles/web.json:1:1'],
  ['a count', ['check', '--max-unused', '-1'], 2, 'expected a number'],
  ['two formats', ['check', '--json', '--format', 'junit'], 2, 'exclude each other'],
])('%s', (_what, args, status, says) => {
  committed(BASE);
  writeFileSync(join(directory, 'profiles/web.json'), '[]');
  const result = sysieve(args);
  expect([result.status, result.out + result.err]).toEqual([status, expect.stringContaining(says)]);
});

test('an incomplete recording proves nothing: status 5, and no format looks like a pass', () => {
  committed(BASE);
  const run = makeRun(BASE);
  const completeness = { ...run.completeness, complete: false, startsSeen: 0 };
  const path = join(directory, 'late.json');
  writeFileSync(path, serializeRecording(makeRecording({ ...run, completeness })));
  for (const format of ['terminal', 'json', 'junit', 'github', 'sarif']) {
    const { status, out } = sysieve(['check', '--recording', path, '--format', format]);
    expect([format, status]).toEqual([format, 5]);
    expect(out).toMatch(
      /not checked|"passed": false|<error type="recording-incomplete"|::error|check-not-done/,
    );
  }
});

describe('formats', () => {
  /** A path that would act in each of them. */
  const EVIL = '/bin/x"<&]]>\u0001\n::error::pwned\u202e';

  function formatted(format: string): string {
    committed([...BASE, 'unlink']);
    const path = recorded('now.json', [...BASE, { call: 'rename', executables: [0] }], EVIL);
    const output = join(directory, 'report');
    const { status, out } = sysieve([
      'check',
      '--recording',
      path,
      '--format',
      format,
      '-o',
      output,
    ]);
    expect([status, out]).toEqual([1, '']);
    return readFileSync(output, 'utf8');
  }

  test('json', () => {
    const { version, passed, apps } = JSON.parse(formatted('json'));
    expect([version, passed, apps.length]).toEqual([1, false, 1]);
    expect(apps[0]).toMatchObject({
      name: 'web',
      profile: 'profiles/web.json',
      passed: false,
      unusedCalls: 1,
    });
    expect(
      apps[0].findings.map(({ rule, call, severity }: never) => [rule, call, severity]),
    ).toEqual([
      ['check-missing-call', 'rename', 'high'],
      ['check-unused-call', 'unlink', 'note'],
    ]);
    expect(apps[0].findings[0].fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  test('junit: well-formed whatever the names, one suite an app', () => {
    const text = formatted('junit');
    expect(text).toContain('<testsuite name="web" tests="2" failures="1" errors="0" skipped="0">');
    expect(text).toContain('type="check-missing-call"');
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]|^::/m);
    const parsed = spawnSync(
      'python3',
      ['-c', 'import sys,xml.etree.ElementTree as e;print(e.parse(sys.stdin).getroot().tag)'],
      { input: text, encoding: 'utf8' },
    );
    expect([parsed.stdout, parsed.stderr]).toEqual(['testsuites\n', '']);
  });

  test('github: an error at the line, and no command of others', () => {
    const lines = formatted('github').trimEnd().split('\n');
    expect(lines.every((line) => /^::(?:error|warning|notice) /.test(line))).toBe(true);
    expect(lines.filter((line) => line.startsWith('::error '))).toEqual([
      expect.stringMatching(
        /^::error file=profiles\/web\.json,line=\d+,col=\d+,title=high%3A check-missing-call::web needs: rename/,
      ),
    ]);
  });

  test('sarif: as the schema has it, with the rules that were met', () => {
    const document = JSON.parse(formatted('sarif'));
    const ajv = new Ajv({ schemaId: 'id', meta: false, unknownFormats: 'ignore' });
    ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
    const schema = require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
    ajv.validate(JSON.parse(readFileSync(schema, 'utf8')), document);
    expect(ajv.errors).toBeNull();
    const [run] = document.runs;
    expect(run.results.map(({ ruleId, level }: never) => [ruleId, level])).toEqual([
      ['check-missing-call', 'error'],
      ['check-unused-call', 'note'],
    ]);
    expect(run.results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(
      'profiles/web.json',
    );
    expect(
      run.tool.driver.rules.every(
        ({ help }: { help: { text: string } }) => !help.text.startsWith('Findings of'),
      ),
    ).toBe(true);
  });
});

test('several apps: one that cannot be checked leaves the others', () => {
  const apps = {
    web: { command: ['web'] },
    other: { command: ['true'], profile: 'profiles/none.json' },
  };
  committed(BASE);
  writeFileSync(join(directory, 'sysieve.config.json'), JSON.stringify({ apps }));
  writeFileSync(join(directory, 'profiles/web.json'), '[]');
  const { status, out } = sysieve(['check', '--json']);
  const report = JSON.parse(out);
  // One failed, which counts for more than one that could not be checked.
  expect(status).toBe(1);
  expect(report.apps.map(({ name, passed }: never) => [name, passed])).toEqual([
    ['web', false],
    ['other', false],
  ]);
  expect(report.apps[0].error.code).toBe('profile-schema');
});

describe('what the program can still call', () => {
  const BUSYBOX = '/bin/busybox';
  const EVIDENCE = 'profiles/web.evidence.json';
  const evidence = () => JSON.parse(readFileSync(join(directory, EVIDENCE), 'utf8'));
  const write = (document: object) =>
    writeFileSync(join(directory, EVIDENCE), JSON.stringify(document));
  const again = (...args: string[]) =>
    sysieve(['check', '--recording', recorded('now.json', BASE, BUSYBOX), ...args], {
      SYSIEVE_CACHE: join(directory, 'cache'),
    });
  const TOLD = /^Note: \d+ calls reachable but not exercised, \d+ of them likely/m;

  test('is in the evidence that -u writes, and told as a note', () => {
    const made = again('-u', '--json');
    const { apps } = JSON.parse(made.out);
    expect([made.status, apps[0].updated]).toEqual([0, 'new']);
    expect(evidence().unseen.map(({ name }: { name: string }) => name)).toContain('rename');
    const { status, out } = again();
    expect([status, out]).toEqual([0, expect.stringMatching(TOLD)]);
  });

  test('is no drift where the evidence is older: it passes, and -u adds it', () => {
    again('-u');
    const profile = readFileSync(join(directory, 'profiles/web.json'), 'utf8');
    const { unseen, ...rest } = evidence();
    for (const older of [rest, { ...rest, version: 2 }]) {
      write(older);
      const { status, out } = again('--json');
      const { apps } = JSON.parse(out);
      expect([status, apps[0].passed, apps[0].findings]).toEqual([0, true, []]);
      expect(evidence()).toEqual(older);
      again('-u');
      expect(evidence().unseen).toEqual(unseen);
      expect(readFileSync(join(directory, 'profiles/web.json'), 'utf8')).toBe(profile);
    }
  });

  test('stays in the evidence where its files are not there', () => {
    again('-u');
    const kept = { ...evidence(), calls: evidence().calls };
    for (const call of kept.calls) {
      call.executables = call.executables.map(() => '/usr/sbin/web');
    }
    write(kept);
    const { status, out, err } = sysieve([
      'check',
      '-u',
      '--json',
      '--recording',
      recorded('now.json', BASE),
    ]);
    expect(err).toMatch(/note: what else it can call is not known: \/usr\/sbin\/web \(/);
    const { apps } = JSON.parse(out);
    expect([status, apps[0].updated]).toEqual([0, 'unchanged']);
    expect(evidence()).toEqual(kept);
  });

  test('is not looked for, and leaves the evidence, with minimise.reach none', () => {
    again('-u');
    const apps = { web: { command: ['web'], minimise: { runtime: ['none'], reach: 'none' } } };
    writeFileSync(join(directory, 'sysieve.config.json'), JSON.stringify({ apps }));
    const { status, err } = again('-u');
    expect([status, err]).toEqual([0, expect.not.stringContaining('can call')]);
    expect(evidence().unseen).toBeUndefined();
  });
});
