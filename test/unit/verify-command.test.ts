/** `sysieve verify` and what `minimise` reads, through the command: statuses, texts, a missing libseccomp. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serializeRecording } from '../../src/recording';
import { makeRecording, makeRun } from '../support/recordings';

const MAIN = path.join(__dirname, '../../dist/cli/main.js');

let dir: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-verify-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const at = (name: string) => path.join(dir, name);

function sysieve(args: readonly string[], node: readonly string[] = []) {
  const options = { cwd: dir, encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [...node, MAIN, ...args], options);
}

function record(name: string, ...calls: string[]): void {
  const run = makeRun(calls);
  writeFileSync(at(name), serializeRecording(makeRecording(run)));
}

/** The profile of `rec.json`, and whatever it said. */
function minimise() {
  record('rec.json', 'read', 'write', 'openat', 'exit_group');
  const args = ['minimise', 'rec.json', '-o', 'app.json', '--runtime', 'none'];
  return sysieve([...args, '--engine-default', 'none']);
}

const VERIFY = ['verify', 'app.json', '--recording', 'rec.json', '--runtime', 'none'];

it('what minimise made is sufficient and minimal', () => {
  expect(minimise().status).toBe(0);
  const { status, stderr } = sysieve(VERIFY);
  expect(stderr).toContain('sufficient: yes, on the filters of runc and crun');
  expect(stderr).toContain('minimal: yes, on the filters of runc and crun');
  expect(status).toBe(0);
});

function edit(change: (names: string[]) => string[]): void {
  const profile = JSON.parse(readFileSync(at('app.json'), 'utf8'));
  profile.syscalls[0].names = change(profile.syscalls[0].names);
  writeFileSync(at('app.json'), JSON.stringify(profile));
}

it('a call taken away: insufficient, with the call', () => {
  minimise();
  edit((names) => names.filter((name) => name !== 'openat'));
  const { status, stderr } = sysieve(VERIFY);
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^sufficient: recorded, but answered errno 1: x86_64 openat/m),
  ]);
  expect(stderr).toContain('sufficient: no');
});

it('a call added: not minimal, with the call', () => {
  minimise();
  edit((names) => [...names, 'ptrace'].sort());
  const { status, stdout } = sysieve([...VERIFY, '--json']);
  expect(status).toBe(1);
  const proof = JSON.parse(stdout);
  expect([proof.sufficient, proof.minimal]).toEqual([true, false]);
  expect(proof.findings[0].message).toContain('ptrace');
});

it('without the way to libseccomp: proved on the meaning alone, and said', () => {
  const hook = at('no-ffi.cjs');
  writeFileSync(
    hook,
    `const Module = require('node:module');
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === 'ffi-napi') {
    throw Object.assign(new Error('none'), { code: 'MODULE_NOT_FOUND' });
  }
  return load.call(this, request, ...rest);
};
`,
  );
  record('rec.json', 'read', 'write', 'openat', 'exit_group');
  const args = ['minimise', 'rec.json', '-o', 'app.json', '--runtime', 'none'];
  const made = sysieve([...args, '--engine-default', 'none'], ['--require', hook]);
  expect([made.status, made.stderr]).toEqual([
    0,
    expect.stringContaining('not proved on the compiled filter'),
  ]);
  // What verify is asked for is that very proof: it cannot be had here.
  const { status, stderr } = sysieve(VERIFY, ['--require', hook]);
  expect([status, stderr]).toEqual([4, expect.stringMatching(/^ {2}remedy: /m)]);
  expect(sysieve(VERIFY).status).toBe(0);
});

it('runs that contradict each other: the files are named', () => {
  const runs = [['read'], ['write']].map((calls) => makeRun(calls));
  runs.forEach((run, index) => {
    writeFileSync(at(`${index}.json`), serializeRecording(makeRecording(run)));
  });
  const { status, stderr } = sysieve(['minimise', '0.json', '1.json', '-o', 'app.json']);
  expect([status, stderr]).toEqual([3, expect.stringMatching(/0\.json.*1\.json/)]);
  expect(existsSync(at('app.json'))).toBe(false);
});
