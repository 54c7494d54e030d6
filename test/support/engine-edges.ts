/** Recordings of containers that do not simply run from their start to their end. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Recording, Run } from '../../src/recording/schema';
import { Recorder, sysieve } from './engine-sysieve';
import type { TestEngine } from './engines';
import { imageRef } from './image-build';

const BUSYBOX = imageRef('busybox');
/** What a runtime calls to set a container up; an application of busybox never does. */
const SETUP_CALLS = ['mount', 'pivot_root', 'unshare', 'setns', 'sethostname', 'capset'];

const only = (recording: Recording): Run => {
  const [run] = recording.runs;
  if (run === undefined) throw new Error('no run');
  return run;
};
const application = (run: Run): string[] =>
  run.calls
    .filter((call) => call.phases.includes('steady'))
    .map((call) => call.name ?? String(call.number));

export function edges(engine: () => TestEngine, files: () => string): void {
  const at = (name: string): string => path.join(files(), `${name}.json`);
  const create = (name: string, ...args: string[]) =>
    engine().cli('create', ...engine().createArgs, '--network=none', '--name', name, ...args);
  const remove = async (name: string) => {
    // An init without a handler ignores the signal that `rm -f` begins with, for ten seconds.
    await engine().tryCli('kill', '-s', 'KILL', name);
    await engine().cli('rm', '-f', name);
  };
  const shell = (script: string): string[] => [BUSYBOX, '/bin/sh', '-c', script];

  test('no such container: exit 3, nothing written', async () => {
    const args = ['record', '--container', 'nobody', '--engine', engine().name, '-o', at('nobody')];
    const refused = await sysieve(engine(), ...args);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('nobody');
    expect(existsSync(at('nobody'))).toBe(false);
  });

  test('removed while it is recorded: the recording ends and is written', async () => {
    await create('brief', ...shell('mkdir /tmp/made; sleep 1000'));
    const recorder = await Recorder.start(engine(), 'brief', at('brief'));
    await engine().cli('start', 'brief');
    await engine().cli('kill', '-s', 'KILL', 'brief');
    await remove('brief');
    const run = only(await recorder.ended());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, attachedLate: null });
    expect(application(run)).toContain('mkdir');
    expect(JSON.parse(readFileSync(at('brief'), 'utf8')).runs).toHaveLength(1);
  });

  test('without a filter the setting-up is told apart all the same', async () => {
    await create('open', '--security-opt', 'seccomp=unconfined', ...shell('mkdir /tmp/made'));
    const recorder = await Recorder.start(engine(), 'open', at('open'));
    await engine().cli('start', '-a', 'open');
    const run = only(await recorder.stop());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
    expect(run.executables).toContain('/bin/sh');
    expect(application(run)).toContain('mkdir');
    for (const name of SETUP_CALLS) expect(application(run)).not.toContain(name);
    await remove('open');
  });

  test('what is executed in it later belongs to it, also as another user', async () => {
    await create('entered', ...shell('sleep 1000'));
    await engine().cli('start', 'entered');
    const recorder = await Recorder.start(engine(), 'entered', at('entered'));
    await engine().cli('exec', 'entered', '/bin/sh', '-c', 'mkdir /tmp/one');
    await engine().cli(
      'exec',
      '--user',
      '1000',
      'entered',
      '/bin/sh',
      '-c',
      'rmdir /tmp/one; true',
    );
    const run = only(await recorder.stop());
    expect(application(run)).toEqual(expect.arrayContaining(['mkdir', 'rmdir']));
    for (const name of SETUP_CALLS) expect(application(run)).not.toContain(name);
    expect(run.completeness.startsSeen).toBe(0);
    await remove('entered');
  });

  test('a container beside it that shares its pid namespace does not', async () => {
    await create('host', ...shell('sleep 1000'));
    await engine().cli('start', 'host');
    const recorder = await Recorder.start(engine(), 'host', at('host'));
    const guest = [...engine().createArgs, '--network=none', '--pid=container:host'];
    await engine().cli('run', '--rm', ...guest, ...shell('chmod 700 /tmp'));
    await engine().cli('exec', 'host', '/bin/sh', '-c', 'mkdir /tmp/one; rmdir /tmp/one');
    const run = only(await recorder.stop());
    expect(application(run)).toContain('rmdir');
    expect(application(run)).not.toContain('chmod');
    await remove('host');
  });

  test('by ptrace: what runs in it, to its end, and what cannot be seen is said', async () => {
    const script = 'while true; do mkdir /tmp/one; rmdir /tmp/one; sleep 0.1; done';
    await create('traced', ...shell(script));
    const stopped = ['record', '--container', 'traced', '--engine', engine().name];
    const refused = await sysieve(engine(), ...stopped, '--tracer', 'ptrace', '-o', at('traced'));
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('not running')]);
    await engine().cli('start', 'traced');
    const recorder = await Recorder.start(engine(), 'traced', at('traced'), '--tracer', 'ptrace');
    await engine().cli('exec', 'traced', '/bin/sh', '-c', 'chmod 700 /tmp');
    await engine().cli('kill', '-s', 'KILL', 'traced');
    const run = only(await recorder.ended());
    expect(run.tracer).toBe('ptrace');
    expect(application(run)).toEqual(expect.arrayContaining(['mkdir', 'rmdir']));
    expect(application(run)).not.toContain('chmod');
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 0 });
    expect(run.completeness.blindSpots).toEqual(
      expect.arrayContaining(['denied-as-attempts', 'entrants-unseen']),
    );
    await remove('traced');
  });
}
