/** sysieve as a library: its surface, as those see it who installed it, and what records nothing. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  diff,
  explain,
  lint,
  mergeEvidence,
  mergeProfiles,
  mergeRecordings,
  minimise,
  type Profile,
  parseEvidence,
  parseProfile,
  parseRecording,
  policyOf,
  record,
  SysieveError,
  serializeEvidence,
  serializeProfile,
  serializeRecording,
  verify,
} from '../../src';
import { type Consumer, consumer, examplesIn, examplesOfSources, link } from '../support/package';
import { ROOT, scratch, sysieve } from '../support/recorder';

const NAMES = [
  ...['Policy', 'SysieveError', 'diff', 'explain', 'lint', 'mergeEvidence', 'mergeProfiles'],
  ...['mergeRecordings', 'minimise', 'parseEvidence', 'parseProfile', 'parseRecording'],
  ...['policyOf', 'record', 'serializeEvidence', 'serializeProfile', 'serializeRecording'],
  'verify',
];

const file = (...names: string[]) => readFileSync(join(ROOT, ...names), 'utf8');
const fixture = (name: string) => file('fixtures', 'recordings', `${name}.recording.json`);

const oci = (names: string[], more: Partial<Profile> = {}): Profile => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: [{ names, action: 'SCMP_ACT_ALLOW', args: [] }],
  ...more,
});

async function thrownBy(body: () => unknown): Promise<SysieveError> {
  const thrown = await Promise.resolve()
    .then(body)
    .then(
      () => null,
      (error: unknown) => error,
    );
  expect(thrown).toBeInstanceOf(SysieveError);
  return thrown as SysieveError;
}

describe('installed', () => {
  const space = scratch();
  let installed: Consumer;
  beforeAll(() => {
    // Without the native part, as on a system that has none.
    installed = consumer(space.dir, { addon: false });
  });
  afterAll(() => space.remove());

  it('gives the same names to require and to import', () => {
    const shown = 'console.log(JSON.stringify(Object.keys(all).sort()));';
    const required = installed.node('a.cjs', `const all = require('sysieve'); ${shown}`);
    expect(JSON.parse(required.stdout)).toEqual(NAMES);
    const named = `import { ${NAMES.join(', ')} } from 'sysieve';`;
    const matcher = "import { toStayWithin } from 'sysieve/jest';";
    const values = `const all = { ${NAMES.join(', ')} };`;
    const imported = installed.node(
      'a.mjs',
      `${named} ${matcher} ${values} ${shown} console.log(typeof toStayWithin);`,
    );
    expect(imported.stderr).toBe('');
    expect(imported.stdout).toBe(`${JSON.stringify(NAMES)}\nfunction\n`);
  });

  it('exports schemas and package.json, and nothing else', () => {
    const { stdout, stderr } = installed.node(
      'b.cjs',
      `console.log(require('sysieve/package.json').name, require('sysieve/schema/config.json').title);
       for (const path of ['sysieve/dist/index.js', 'sysieve/dist/cli/main.js', 'sysieve/src/index.ts']) {
         try { require(path); console.log('there:', path); } catch ({ code }) { console.log(code); }
       }`,
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(`sysieve sysieve config\n${'ERR_PACKAGE_PATH_NOT_EXPORTED\n'.repeat(3)}`);
  });

  it('loads no native code, no engine client, and changes nothing of the process', () => {
    const { stdout } = installed.node(
      'c.cjs',
      `const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
       const before = JSON.stringify(listeners());
       require('sysieve');
       const loaded = Object.keys(require.cache);
       console.log(loaded.filter((path) => /\\.node$|dockerode|grpc|commander/.test(path)));
       console.log(before === JSON.stringify(listeners()), process.exitCode);`,
    );
    expect(stdout).toBe('[]\ntrue undefined\n');
  });

  it('says what is missing when something is recorded without the native part', () => {
    const { stdout } = installed.node(
      'd.mjs',
      `import { record, diff } from 'sysieve';
       console.log(diff({ default: 'docker' }, { default: 'docker' }).verdict);
       const tell = ({ code, kind, remedy }) => console.log(code, kind, remedy !== undefined);
       await record({ target: { pid: 1 } }).then(undefined, tell);
       Object.defineProperty(process, 'platform', { value: 'darwin' });
       await record({ target: { pid: process.pid } }).then(undefined, tell);`,
    );
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe('equivalent');
    expect(lines[1]).toMatch(/^(addon-missing|no-tracer) system true$/);
    expect(lines[2]).toMatch(/^(not-linux|no-tracer) system true$/);
  });

  it('type-checks for every resolution, and so do all examples', () => {
    const modules = join(space.dir, 'node_modules');
    link(modules, '@types/node');
    const blocks = [...examplesIn(file('docs', 'api', 'README.md')), ...examplesOfSources()].map(
      ({ code }) => code,
    );
    expect(blocks.length).toBeGreaterThan(10);
    const write = (name: string, code: string) => {
      writeFileSync(join(space.dir, name), code);
      return name;
    };
    const inTests = (code: string) => /'sysieve\/jest'/.test(code);
    const plain = blocks.filter((code) => !inTests(code));
    const types = `
      import 'sysieve/jest';
      import { record, type Recorder, type Recording, type RecordEvent } from 'sysieve';
      const recorder: Recorder = record({ target: { pid: 1 }, untilStable: { quietMs: 1 } });
      export const recording: Recording = await recorder;
      export function reason(event: RecordEvent): string | null {
        return event.kind === 'ended' ? event.reason : null;
      }
      // @ts-expect-error one target
      record({ target: { pid: '1' } });
      // @ts-expect-error not a phase of the application
      recorder.mark('runtime');
    `;
    const plainFiles = [
      ...plain.map((code, index) => write(`example-${index}.mts`, `${code}\nexport {};\n`)),
      write('types.mts', types),
    ];
    const required = "import sysieve = require('sysieve'); export const d = sysieve.diff;";
    const common = write('common.cts', required);
    // Jest's types are not there: the matcher's do not mind.
    const node16 = ['--module', 'node16', '--moduleResolution', 'node16', '--types', 'node'];
    expect(installed.check([...plainFiles, common], node16)).toBe('');
    for (const name of ['@types/jest', 'expect', '@jest/globals']) link(modules, name);
    const globals = `
      import { expect } from '@jest/globals';
      import 'sysieve/jest';
      export const kept: Promise<void> = expect(['ls']).not.toStayWithin('a.json', { timeoutMs: 1 });
    `;
    const testFiles = [
      ...blocks
        .filter(inTests)
        .map((code, index) => write(`test-${index}.mts`, `${code}\nexport {};\n`)),
      write('globals.mts', globals),
    ];
    const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node,jest'];
    // Theirs are not without faults where all of them are looked at.
    const skip = ['--skipLibCheck', 'true'];
    expect(installed.check([...plainFiles, ...testFiles], [...bundler, ...skip])).toBe('');
  }, 240_000);

  it('runs the examples that record nothing', () => {
    const said = examplesIn(file('docs', 'api', 'README.md'))
      .filter(({ code, run }) => run && !code.includes('record('))
      .map(({ code }, index) => installed.typescript(`run-${index}`, code));
    expect(said.map(({ stderr }) => stderr)).toEqual(['', '']);
    expect(said[0]?.stdout).toMatch(/^widens\nhigh ptrace /);
    expect(said[1]?.stdout.split('\n').slice(1, 3)).toEqual(['false', 'true']);
    expect(said[1]?.stdout).toMatch(/\nfalse \w+\n$/);
  });
});

describe('policyOf', () => {
  it('answers by name and by number, with arguments', () => {
    const policy = policyOf(
      oci(['read'], {
        defaultErrnoRet: 13,
        syscalls: [
          { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
          {
            names: ['socket'],
            action: 'SCMP_ACT_ALLOW',
            args: [{ index: 0, value: 1n, valueTwo: 0n, op: 'SCMP_CMP_EQ' }],
          },
        ],
      }),
    );
    const passes = { action: 'allow', data: 0, passes: true };
    const refused = { action: 'errno', data: 13, passes: false };
    expect(policy.answer({ name: 'read' })).toEqual(passes);
    expect(policy.answer({ number: 0, args: [1n, -1] })).toEqual(passes);
    expect(policy.answer({ name: 'socket', args: [1] })).toEqual(passes);
    expect(policy.answer({ name: 'socket', args: [2] })).toEqual(refused);
    expect(policy.answer({ name: 'read', abi: 'i386' }).action).toBe('kill_thread');
    expect(policy.answer({ name: 'read', abi: 'x32' }).action).toBe('kill_thread');
  });

  it('compares exactly', () => {
    const small = policyOf(oci(['read']));
    const large = policyOf(oci(['read', 'write']));
    expect(large.contains(small)).toBe(true);
    expect(large.lacks(small)).toBeNull();
    expect(small.contains(large)).toBe(false);
    expect(small.lacks(large)).toMatchObject({ abi: 'x86_64', name: 'write', number: 1 });
    expect(small.equals(policyOf(oci(['read'])))).toBe(true);
    expect(small.equals(large)).toBe(false);
    // Under runc numbers above the largest one named are answered ENOSYS.
    const [less, more] = [['read'], ['read', 'write']].map((names) =>
      policyOf(oci(names), { runtime: 'crun' }),
    ) as [typeof small, typeof small];
    const [only, ...others] = less.differences(more);
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      abi: 'x86_64',
      first: 1,
      last: 1,
      after: { action: 'allow', passes: true },
      witness: { name: 'write', args: [0n, 0n, 0n, 0n, 0n, 0n] },
    });
  });

  it('names calls of x32 without their bit', () => {
    const x32 = oci(['write'], { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'] });
    const witness = policyOf(oci(['write'])).lacks(policyOf(x32));
    expect(witness).toMatchObject({ abi: 'x32', name: 'write', number: 0x40000001 });
    expect(policyOf(x32).answer({ abi: 'x32', name: 'write' }).passes).toBe(true);
  });

  it('reads gates in their context', () => {
    const mount = (capabilities?: string[]) =>
      policyOf({ default: 'docker' }, capabilities === undefined ? {} : { capabilities }).answer({
        name: 'mount',
      }).passes;
    expect([mount(), mount([]), mount(['CAP_SYS_ADMIN'])]).toEqual([false, false, true]);
    const ptrace = (kernelVersion: string) =>
      policyOf({ default: 'docker' }, { kernelVersion }).answer({ name: 'ptrace' }).passes;
    expect([ptrace('4.4.0'), ptrace('6.1.0')]).toEqual([false, true]);
  });

  it('says what it cannot know', async () => {
    const unknown = await thrownBy(() => policyOf(oci(['read'])).answer({ name: 'reed' }));
    expect(unknown).toMatchObject({ kind: 'usage', code: 'policy-call-unknown' });
    const text = await thrownBy(() => policyOf({ text: '{"syscalls": 1}', label: 'web.json' }));
    expect(text.message).toMatch(/^web\.json:1:\d+: /);
  });
});

describe('diff, lint and explain', () => {
  const before = { text: file('fixtures/review/1/app.json'), label: 'app.json' };
  const after = { text: file('fixtures/review/2/app.json'), label: 'app.json' };

  it('say what the commands say', () => {
    const paths = ['fixtures/review/1/app.json', 'fixtures/review/2/app.json'];
    const [old, now] = paths.map((path) => ({
      text: file(path),
      label: path,
      evidence: parseEvidence(file(path.replace('.json', '.evidence.json'))),
    })) as unknown as [typeof before, typeof after];
    const told = JSON.parse(sysieve(['diff', ...paths, '--json'], { cwd: ROOT }).stdout);
    const report = diff(old, now);
    expect(report).toMatchObject({ version: 1, verdict: told.verdict, contexts: told.contexts });
    const flat = report.findings.map(({ place, ...rest }) => ({ ...rest, ...place, waiver: null }));
    expect(flat).toEqual(told.findings);
    const found = JSON.parse(sysieve(['lint', paths[1] as string, '--json'], { cwd: ROOT }).stdout);
    expect(
      lint(now)
        .findings.map(({ fingerprint }) => fingerprint)
        .sort(),
    ).toEqual(found.findings.map(({ fingerprint }: { fingerprint: string }) => fingerprint).sort());
  });

  it('have no places for profiles without a text', () => {
    const report = diff(parseProfile(before.text), parseProfile(after.text));
    expect(report.findings.length).toBeGreaterThan(0);
    expect(report.findings.every(({ place }) => place === null)).toBe(true);
    expect([report.before, report.after]).toEqual(['before', 'after']);
  });

  it('name the default that was compared with', () => {
    const { before: label, notes } = diff({ default: 'docker', version: '27.5.1' }, oci(['read']), {
      capabilities: [],
    });
    expect(label).toBe('default:docker@27.5.1');
    expect(notes.join()).toMatch(/^default:docker@27\.5\.1 is the default of Docker 27\.5\.1 \(/);
  });

  it('explain a call, alone and in a profile', async () => {
    const alone = explain('ptrace');
    expect(alone).toMatchObject({ version: 1, call: 'ptrace', risk: { tier: 1 } });
    expect(alone.numbers).toContainEqual({ abi: 'x86_64', number: 101 });
    expect(explain('ptrace', oci(['read'])).lines.join('\n')).toMatch(/is refused with EPERM/);
    expect(await thrownBy(() => explain('ptrase'))).toMatchObject({ kind: 'input' });
  });
});

describe('minimise and verify', () => {
  const text = fixture('clone3');
  const recording = parseRecording(text, 'clone3');

  it('make what the command makes, and prove it', async () => {
    const space = scratch();
    const made = await minimise(recording, { runtimes: ['sysieve'], allowIncomplete: true });
    const to = join(space.dir, 'p.json');
    const from = join(ROOT, 'fixtures/recordings/clone3.recording.json');
    const flags = ['-o', to, '--runtime', 'sysieve', '--allow-incomplete'];
    expect(sysieve(['minimise', from, ...flags]).status).toBe(0);
    expect(serializeProfile(made.profile)).toBe(readFileSync(to, 'utf8'));
    expect(serializeEvidence(made.evidence)).toBe(
      readFileSync(join(space.dir, 'p.evidence.json'), 'utf8'),
    );
    space.remove();
    expect(made.proof).toMatchObject({ sufficient: true, minimal: true, compiled: true });
    const { evidence } = made;
    const runtimes = ['sysieve'];
    expect(await verify(made.profile, recording, { evidence, runtimes })).toMatchObject({
      sufficient: true,
      minimal: true,
      findings: [],
    });
    const less = await verify(oci(['read']), [recording, recording], { runtimes: 'none' });
    expect(less.sufficient).toBe(false);
    expect(less.findings[0]?.message).toMatch(/^recorded, but answered errno 1: x86_64 /);
  });

  it('keep texts and unions as they are', () => {
    expect(serializeRecording(recording)).toBe(text);
    expect(mergeRecordings([recording, recording])).toEqual(recording);
    const merged = mergeProfiles([oci(['read']), oci(['write'])]);
    expect(policyOf(merged.profile).equals(policyOf(oci(['read', 'write'])))).toBe(true);
    const evidence = parseEvidence(file('fixtures/review/1/app.evidence.json'));
    const both = mergeEvidence([evidence, evidence]);
    expect(both.calls.map(({ name }) => name)).toEqual(evidence.calls.map(({ name }) => name));
  });

  it('refuse what is not whole, and options without sense', async () => {
    const run = recording.runs[0] as (typeof recording.runs)[0];
    const completeness = { ...run.completeness, complete: false, startsSeen: 0 };
    const part = { ...recording, runs: [{ ...run, completeness }] };
    expect(await thrownBy(() => minimise(part))).toMatchObject({ kind: 'incomplete' });
    expect(await thrownBy(() => minimise(recording, { denyErrno: 0 }))).toMatchObject({
      kind: 'usage',
    });
  });
});

describe('record, before anything is recorded', () => {
  it.each([
    ['no target', { target: {} }, 'target-unclear'],
    ['two targets', { target: { pid: 1, cgroup: '/x' } }, 'target-unclear'],
    ['notify on a process', { target: { pid: 1 }, tracer: 'notify' }, 'tracer-cannot-attach'],
    [
      'denied under ptrace',
      { target: { pid: 1 }, tracer: 'ptrace', denied: true },
      'denied-unseen',
    ],
    ['a start of a process', { target: { pid: 1 }, untilStable: { quietMs: 1 } }, 'start-unseen'],
    ['a time before now', { target: { pid: 1 }, durationMs: -1 }, 'time-invalid'],
  ] as const)('refuses %s', async (_, options, code) => {
    const recorder = record(options as unknown as Parameters<typeof record>[0]);
    expect(await thrownBy(() => recorder)).toMatchObject({ kind: 'usage', code });
  });

  it('rejects with the reason of a signal that was aborted, and starts nothing', async () => {
    const reason = new Error('not now');
    const made = join(ROOT, 'out', 'never-made');
    const recorder = record({
      target: { command: ['touch', made] },
      signal: AbortSignal.abort(reason),
    });
    await expect(recorder).rejects.toBe(reason);
    await expect(recorder.exit).rejects.toBe(reason);
    expect(existsSync(made)).toBe(false);
    expect(() => recorder.mark('steady')).toThrow('the recording has ended');
    expect(recorder.kill()).toBe(false);
    recorder.stop();
  });

  it('tells the one who iterates, too; early, late, and without another one to tell', async () => {
    const recorder = record({ target: { pid: 1 }, durationMs: -1 });
    const events = async () => {
      for await (const _ of recorder) throw new Error('an event of a recording that never began');
    };
    await expect(events()).rejects.toMatchObject({ code: 'time-invalid' });
    await expect(events()).rejects.toMatchObject({ code: 'time-invalid' });
  });
});
