/** What a report says, that its page holds nothing but text, and the command. Needs dist/. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { escapeUnsafe } from '../../src/errors/text';
import { findCall, mayPass, policyOfProfile } from '../../src/policy';
import { type Recording, serializeRecording } from '../../src/recording';
import { CompletenessSchema } from '../../src/recording/schema';
import { type Model, page } from '../../src/report';
import { completenessOf } from '../../src/report/completeness';
import { type Html, html } from '../../src/report/html/html';
import { cut, duration, figure, number, shortNames } from '../../src/report/html/words';
import { names, riskTier, syscallNumber } from '../../src/tables';
import { longRecording } from '../support/long-recording';
import { makeCall, makeRecording, makeRun } from '../support/recordings';
import { hostileModel, madeSide, model, PAYLOADS } from '../support/report';

const MAIN = join(__dirname, '../../dist/cli/main.js');

/** Whatever text may be made of, but the line breaks of the page itself. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('html', () => {
  it('escapes what stands in a template, however deep, and only once', () => {
    const text = `<b>&"'`;
    expect(html`<p title="${text}">${[text, [html`<i>${text}</i>`]]}</p>`.toString()).toBe(
      '<p title="&lt;b&gt;&amp;&quot;&#39;">&lt;b&gt;&amp;&quot;&#39;<i>&lt;b&gt;&amp;&quot;&#39;</i></p>',
    );
    expect(html`a${null}${false}${0}${''}b`.toString()).toBe('a0b');
  });

  it('escapes what reorders, hides or breaks text', () => {
    expect(html`${'\u202ea\0\n\ud800'}`.toString()).toBe('\\u202ea\\u0000\\u000a\\ud800');
  });

  it('refuses a value in an attribute without quotes', () => {
    expect(() => html`<p title=${'x'}>`).toThrow('without quotes');
    expect(() => html`<p title= ${'x'}>`).toThrow('without quotes');
  });

  it('takes nothing for its own that only looks like it', () => {
    const forged = { toString: () => '<b>', text: '<b>' } as unknown as Html;
    expect(html`${forged}`.toString()).toBe('&lt;b&gt;');
  });
});

it('writes numbers, times and names the same everywhere', () => {
  expect([0, 999, 1000, 1_234_567].map(number)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([0, 0.0312, 0.5, 4.21, 31.4, 310.4, 12_345].map(figure)).toEqual([
    '0',
    '0.031',
    '0.50',
    '4.2',
    '31',
    '310',
    '12,345',
  ]);
  expect([0, 350, 1000, 12_400, 200_000, 3_600_000, 86_400_000, 93_784_000].map(duration)).toEqual([
    '0 ms',
    '350 ms',
    '1.0 s',
    '12 s',
    '3 min 20 s',
    '1 h',
    '1 d',
    '1 d 2 h',
  ]);
  expect(cut('abcdefghij', 10)).toBe('abcdefghij');
  expect(cut('abcdefghijkl', 8)).toBe('abcdef […4 characters…] kl');
  expect(shortNames(['/bin/sh', '/usr/bin/sh', '/opt/a, b', '', '/'])).toEqual([
    '/bin/sh',
    'usr/bin/sh',
    '"a, b"',
    '""',
    '/',
  ]);
});

const HOUR = 3_600_000;
const second = (n: number, changes: object = {}) =>
  makeRun([], {
    ...{ id: `00000000-0000-4000-8000-00000000000${n}`, durationMs: HOUR },
    ...{ start: `2026-01-0${n}T00:00:00Z`, ...changes },
  });

/** Three runs: the second has one call more, which only its helper makes; the third nothing new. */
function threeRuns(): Recording {
  const base = ['read', 'write', 'exit_group'].map((call) => ({
    ...makeCall({ call, phases: ['startup', 'steady'] }),
    firstSeenMs: 60_000,
  }));
  const more = { ...makeCall({ call: 'getpid', executables: [1] }), firstSeenMs: 1_800_000 };
  const refused = makeCall({ call: 'mount', denied: { '1': 4, '0': 1 }, executables: [1] });
  return makeRecording(
    second(1, { calls: base }),
    second(2, { calls: [...base, more, refused] }),
    second(3, { calls: [...base, more] }),
  );
}

const row = (made: Model, name: string) => made.calls.find((call) => call.name === name);

describe('of a recording', () => {
  const made = model({ recording: threeRuns() });

  it('says how the calls came to be known', () => {
    expect(made.discovery).toMatchObject({
      totalMs: 3 * HOUR,
      curve: [
        { atMs: 60_000, calls: 3 },
        { atMs: HOUR + 1_800_000, calls: 4 },
      ],
      reached: [
        { percent: 50, calls: 2, atMs: 60_000 },
        { percent: 90, calls: 4, atMs: HOUR + 1_800_000 },
        { percent: 99, calls: 4 },
        { percent: 100, calls: 4 },
      ],
    });
    expect(made.discovery?.runs.map(({ newCalls, lastNewMs }) => [newCalls, lastNewMs])).toEqual([
      [3, 60_000],
      [1, 1_800_000],
      [0, null],
    ]);
    expect(made.discovery?.saturation).toMatch(/^3 runs, nothing new in the last; /);
  });

  it('says who needs what, and when', () => {
    const at = (path: string) => made.executables.find((one) => one.path === path);
    const called = (places: readonly number[] = []) => places.map((n) => made.calls[n]?.name);
    expect(called(at('/usr/bin/helper')?.alone)).toEqual(['getpid', 'mount']);
    expect(called(at('/usr/bin/web')?.calls)).toEqual(['exit_group', 'read', 'write']);
    expect(row(made, 'getpid')).toMatchObject({
      ...{ count: 2, profile: 'open', why: ['observed'], phases: ['steady'] },
      firstSeen: { run: 2, ms: 1_800_000 },
    });
    expect(made.phases).toEqual([
      { phase: 'startup', calls: 3, only: [] },
      { phase: 'steady', calls: 5, only: ['getpid', 'mount'] },
    ]);
  });

  it('says what was denied, with what, and what the profile makes of it', () => {
    expect(made.denied).toMatchObject([
      {
        name: 'mount',
        attempts: 5,
        of: 5,
        errnos: ['killed or trapped', 'EPERM'],
        profile: 'closed',
      },
    ]);
  });

  it('says what the profile permits as its filter answers', () => {
    const side = madeSide(threeRuns());
    if (side.profile.format !== 'oci') throw new Error('not reached');
    const policy = policyOfProfile(side.profile.value, { runtime: 'runc', machine: 'x86_64' });
    const passing = names('x86_64').filter((name) => {
      const number = syscallNumber('x86_64', name) as number;
      return findCall(policy, { abi: 'x86_64', number, constraints: [] }, mayPass) !== null;
    });
    const { permits } = made;
    expect(permits?.abis[0]?.profile.permitted).toBe(passing.length);
    for (const { tier, calls } of permits?.tiers ?? []) {
      expect(calls.every(({ name }) => riskTier(name) === tier)).toBe(true);
      const open = calls.filter(({ profile }) => profile !== 'closed').map(({ name }) => name);
      expect(open).toEqual(passing.filter((name) => riskTier(name) === tier).sort());
    }
    const cve = (id: string) => permits?.cves.find((one) => one.id === id);
    // A write is all that it takes; the other one's call is in no profile here.
    expect(cve('CVE-2013-1959')).toMatchObject({ profile: 'open', standard: 'open' });
    expect(cve('CVE-2018-18559')).toMatchObject({ profile: 'closed', standard: 'open' });
    expect(page(made)).toContain('the default of Docker 29');
  });

  it('says which recorded calls the profile refuses', () => {
    const recording = makeRecording(
      makeRun(['read', 'mount', { call: 'ptrace', denied: { '1': 2 } }]),
    );
    const shown = page(model({ recording }));
    expect(shown).toMatch(
      /Recorded, and refused by the profile:<\/strong> <code>mount<\/code><\/p>/,
    );
    expect(page(made)).not.toContain('Recorded, and refused');
  });

  it('is a union: the order of the runs changes nothing', () => {
    const { runs } = threeRuns();
    const turned = model({ recording: { version: 1, runs: [...runs].reverse() } });
    expect(page(turned)).toBe(page(made));
  });

  it('holds no time but those of the recording', () => {
    const text = page(made);
    jest.useFakeTimers({ now: new Date('2031-05-05') });
    expect(page(model({ recording: threeRuns() }))).toBe(text);
    jest.useRealTimers();
    expect(text).toContain('2026-01-01 00:00:00 UTC');
  });
});

describe('completeness', () => {
  const COUNTERS = Object.entries(CompletenessSchema.shape)
    .filter(([field, type]) => field !== 'startsSeen' && type.safeParse(7).success)
    .filter(([field]) => field !== 'deniedSinceMs')
    .map(([field]) => field);

  const of = (missed: object) => completenessOf([makeRun(['read'], { missed })]);

  it('tells every counter that is not 0', () => {
    expect(COUNTERS.length).toBeGreaterThan(8);
    expect(of({}).counters).toEqual([]);
    const missed = Object.fromEntries(COUNTERS.map((field, n) => [field, 1001 + n]));
    const { counters } = of(missed);
    expect(Object.fromEntries(counters.map(({ field, total }) => [field, total]))).toEqual(missed);
    const text = page(model({ recording: makeRecording(makeRun(['read'], { missed })) }));
    for (const n of COUNTERS.keys())
      expect(text).toContain(`<strong>${number(1001 + n)}</strong> `);
  });

  it('has words for every blind spot that the documentation names', () => {
    const text = readFileSync(join(__dirname, '../../docs/INTERNALS.md'), 'utf8');
    const tables = [...text.matchAll(/^\| blind spot \|.*\n\|[- |]+\n((?:\|.*\n)+)/gm)];
    const spots = tables.flatMap(([, rows = '']) =>
      [...rows.matchAll(/^\| `([a-z-]+)`/gm)].map(([, spot = '']) => spot),
    );
    const others = [
      ...['tracer-preempted', 'denied-uncertain', 'start-unseen', 'io-uring-operations'],
      ...['listener-unwatched', 'calls-rewritten'],
    ];
    const blindSpots = [...new Set([...spots, ...others])];
    expect(blindSpots.length).toBeGreaterThan(20);
    const completeness = of({ blindSpots });
    expect(completeness.blindSpots.map(({ spot }) => spot)).toEqual([...blindSpots].sort());
    expect(completeness.blindSpots.filter(({ text }) => /does not know/.test(text))).toEqual([]);
  });

  it('an incomplete run is named with its reasons', () => {
    const recording = makeRecording(makeRun(['read'], { missed: { startsSeen: 0, callsLost: 2 } }));
    const text = page(model({ recording }));
    expect(text).toContain('NOT complete');
    expect(text).toContain('no start of the target was seen; 2 calls lost');
  });
});

describe('the page', () => {
  it.each(PAYLOADS.map((text) => [escapeUnsafe(text).slice(0, 40), text]))(
    'holds %j as text alone',
    (_name, text) => {
      const shown = page(hostileModel(text)).replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
      expect(shown).not.toMatch(UNSAFE);
      const elements = (some: string) =>
        (some.match(/<[a-z!/][^>]*>/gi) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));
      const plain = page(hostileModel('plain')).replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
      expect(new Set(elements(shown))).toEqual(new Set(elements(plain)));
    },
  );

  it('has no handler, no address elsewhere, and one policy for all of it', () => {
    const shown = page(model({ recording: threeRuns(), against: madeSide(longRecording()) }));
    expect(shown).not.toMatch(/<[^>]*\s(?:on\w+|style|src)=/i);
    expect([...shown.matchAll(/href="([^"]*)"/g)].every(([, to]) => to?.startsWith('#'))).toBe(
      true,
    );
    expect(shown.match(/Content-Security-Policy/g)).toHaveLength(1);
    expect(shown.match(/<script>/g)).toHaveLength(1);
  });

  it('of 500 calls, 60 executables and 24 hours is below 1 MiB', () => {
    const recording = longRecording();
    const calls = new Set(recording.runs.flatMap((run) => run.calls.map((c) => c.abi + c.number)));
    const total = recording.runs.reduce((sum, { durationMs }) => sum + durationMs, 0);
    expect([calls.size, recording.runs[0]?.executables.length, total]).toEqual([
      500,
      60,
      24 * HOUR,
    ]);
    const bytes = Buffer.byteLength(page(model({ recording })));
    process.stderr.write(`report of 500 calls, 60 executables, 24 h: ${bytes} bytes\n`);
    expect(bytes).toBeLessThan(1024 * 1024);
  });

  it('of 5,000 runs stays as small', () => {
    const runs = Array.from({ length: 5000 }, (_, n) =>
      makeRun(['read'], {
        id: n.toString(16).padStart(8, '0'),
        missed: { startsSeen: n % 2, blindSpots: ['nested-ptrace'] },
      }),
    );
    expect(page(model({ recording: makeRecording(...runs) })).length).toBeLessThan(512 * 1024);
  });
});

describe('the command', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sysieve-report-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const write = (name: string, recording: Recording) =>
    writeFileSync(join(directory, name), serializeRecording(recording));
  function sysieve(args: string[], input = '', node: string[] = []) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...node, MAIN, ...args], {
      ...{ encoding: 'utf8', cwd: directory, input },
    });
    return { status, stdout, stderr };
  }
  const PROFILES = join(__dirname, '../../profiles');

  it('writes report.html of a recording, and says so', () => {
    write('web.json', threeRuns());
    expect(sysieve(['report', 'web.json'])).toEqual({
      ...{ status: 0, stdout: '', stderr: 'report: report.html\n' },
    });
    const text = readFileSync(join(directory, 'report.html'), 'utf8');
    expect(text).toContain('container web (web:1)');
    expect(text).toMatch(/Cost of argument rules|No call of the recorded load/);
    expect(sysieve(['report', 'web.json', '-o', '-']).stdout).toBe(text);
    expect(sysieve(['report', '-', '-o', '-'], serializeRecording(threeRuns())).stdout).toBe(
      text.replaceAll('web.json', 'standard input'),
    );
  });

  it('joins recordings with a profile and its evidence, and compares with another', () => {
    const { runs } = threeRuns();
    write('a.json', makeRecording(...runs.slice(0, 1)));
    write('b.json', makeRecording(...runs.slice(1)));
    const args = ['b.json', join(PROFILES, 'nginx.json'), 'a.json'];
    const against = ['--against', join(PROFILES, 'redis.json')];
    const { status, stdout } = sysieve(['report', ...args, ...against, '--title', 'T', '--json']);
    const made = JSON.parse(stdout) as Model;
    expect([status, made.title, made.runs.length, made.profile?.origin]).toEqual([
      0,
      'T',
      3,
      'given',
    ]);
    expect(made.diff?.verdict).toBe('mixed');
    expect(row(made, 'accept4')).toMatchObject({ count: null, why: ['observed'] });
    expect(row(made, 'read')).toMatchObject({ count: 3, profile: 'open' });
    expect(page(made)).not.toContain('Recorded, and refused');
    expect(made.rules.find(({ name }) => name === 'prctl')).toMatchObject({
      cases: [{ lead: 'passes with', values: [expect.stringContaining('PR_SET_NAME')] }],
      end: 'anything else is refused with EPERM',
    });
    expect(readdirSync(directory)).toEqual(['a.json', 'b.json']);
  });

  it('a profile alone, in any format; without evidence by what its filter lets pass', () => {
    const { stdout } = sysieve([
      'report',
      'default:docker@20.10.24',
      '--json',
      '--default',
      'podman',
    ]);
    const made = JSON.parse(stdout) as Model;
    expect(made.permits?.standard).toMatch(/^the default of Podman /);
    expect(row(made, 'read')).toMatchObject({ profile: 'open', why: [], count: null });
    expect(row(made, 'mount')).toBeUndefined();
    expect(made.cost).toEqual({ known: false, reason: 'there is no recorded load to count it on' });
  });

  it('a recording that no profile can be made of is shown all the same, with the reason', () => {
    write('late.json', makeRecording(makeRun(['read'], { missed: { startsSeen: 0 } })));
    const { status, stderr } = sysieve(['report', 'late.json', '-o', 'r.html']);
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: no profile .*incomplete/),
    ]);
    const text = readFileSync(join(directory, 'r.html'), 'utf8');
    expect(text).toContain('No profile could be made of this recording');
    expect(text).not.toContain('Calls permitted');
    const compared = sysieve(['report', 'late.json', '--against', 'default:docker']);
    expect([compared.status, compared.stderr]).toEqual([5, expect.stringContaining('remedy: ')]);
  });

  it('says why the cost is not known where libseccomp is absent', () => {
    write('web.json', threeRuns());
    const hook = join(directory, 'no-ffi.cjs');
    writeFileSync(
      hook,
      `const Module = require('node:module');
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === 'ffi-napi') throw Object.assign(new Error('none'), { code: 'MODULE_NOT_FOUND' });
  return load.call(this, request, ...rest);
};
`,
    );
    const { status, stdout } = sysieve(['report', 'web.json', '--json'], '', ['--require', hook]);
    const { cost } = JSON.parse(stdout) as Model;
    expect([status, cost]).toEqual([
      0,
      { known: false, reason: expect.stringMatching(/^no filter can be compiled here: /) },
    ]);
  });

  it.each([
    [
      'two profiles',
      ['nginx.json', 'redis.json'].map((name) => join(PROFILES, name)),
      2,
      '--against',
    ],
    ['what it reads', ['web.json', '-o', 'web.json'], 2, 'would overwrite'],
    ['no such file', ['none.json'], 3, 'none.json'],
    ['no such default', ['web.json', '--default', 'lxc'], 2, 'docker or podman'],
    ['an old default', ['web.json', '--default', 'docker@1.0'], 3, 'not known'],
    ['standard input twice', ['-', '--against', '-'], 2, 'only once'],
    ['both to stdout', ['web.json', '--json', '-o', '-'], 2, 'standard output'],
  ])('%s is refused, and nothing is written', (_what, args, status, text) => {
    write('web.json', threeRuns());
    const ended = sysieve(['report', ...args]);
    expect([ended.status, ended.stdout + ended.stderr]).toEqual([
      status,
      expect.stringContaining(text),
    ]);
    expect(readdirSync(directory)).toEqual(['web.json']);
  });
});
