/** What `sysieve profile` and `check` learn by default of what an app's files can call. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftFiles } from '../../src/staging/leftovers';
import { makeProfile } from '../../src/staging/make-profile';
import { minimiseOptions } from '../../src/staging/profile-app';
import { lookReachable, NOT_LOOKED } from '../../src/staging/reach-app';
import { saysTheSame } from '../../src/staging/same-evidence';
import { ownSession } from '../../src/staging/session';
import type { NamedApp } from '../../src/staging/types';
import { makeRecording, makeRun } from '../support/recordings';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sysieve-default-'));
  process.env.SYSIEVE_CACHE = join(directory, 'cache');
  writeFileSync(join(directory, 'text'), 'no program\n');
});
afterAll(() => {
  delete process.env.SYSIEVE_CACHE;
  rmSync(directory, { recursive: true, force: true });
});

type Choice = 'none' | 'report' | 'likely';

function app(reach?: Choice): NamedApp {
  const minimise = reach === undefined ? {} : { minimise: { reach } };
  return { name: 'job', app: { command: ['job'], ...minimise }, directory };
}

const BUSYBOX = '/bin/busybox';

const recordingOf = (...executables: string[]) =>
  makeRecording({
    ...makeRun([{ call: 'read', executables: executables.map((_, at) => at) }, 'exit_group']),
    executables,
  });

async function look(one: NamedApp, recording = recordingOf(BUSYBOX), signal?: AbortSignal) {
  const stages: string[] = [];
  const notes: string[] = [];
  const looked = await lookReachable(one, recording, {
    signal: signal ?? new AbortController().signal,
    onStage: (_, stage) => stages.push(stage),
    onNote: (_, note) => notes.push(note),
  });
  return { looked, stages, notes };
}

describe('looking', () => {
  test('is the default, and finds what was not seen', async () => {
    const { looked, stages, notes } = await look(app());
    expect([stages, notes]).toEqual([['scanning what its executables can call'], []]);
    expect(looked.options.reach).toBe('report');
    const names = looked.options.reachable.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['mount', 'rename']));
    expect(names).not.toContain('read');
    expect(looked.reach?.executables.map(({ path }) => path)).toEqual([BUSYBOX]);
  });

  test('changes no byte of the profile, and is kept in the evidence', async () => {
    const recording = recordingOf(BUSYBOX);
    const { looked } = await look(app());
    const made = (reach: Choice, options: object) =>
      makeProfile(
        {
          recording,
          baselines: [],
          options: { ...minimiseOptions(app(reach).app, {}), runtimes: 'none', ...options },
        },
        () => undefined,
      );
    const [told, silent] = [made('report', looked.options), made('none', NOT_LOOKED.options)];
    expect(told.profileText).toBe(silent.profileText);
    expect(silent.result.unseen).toBeUndefined();
    expect(told.result.unseen?.map(({ name }) => name)).toContain('rename');
    expect(told.evidenceText).toContain('"unseen"');
    expect(silent.evidenceText).not.toContain('"unseen"');
  });

  test('is off by minimise.reach none', async () => {
    expect(await look(app('none'))).toEqual({ looked: NOT_LOOKED, stages: [], notes: [] });
  });
});

describe('what cannot be looked at', () => {
  const nowhere = '/nowhere/job';

  test('is told in a line that says why, and the evidence claims nothing', async () => {
    const { looked, notes } = await look(app(), recordingOf(nowhere));
    expect(looked).toBe(NOT_LOOKED);
    expect(notes).toEqual([
      expect.stringMatching(
        /^what else it can call is not known: \/nowhere\/job \(.*No such file or directory\)$/,
      ),
    ]);
  });

  test('is told of each part, where others were looked at', async () => {
    const text = join(directory, 'text');
    const { looked, notes } = await look(app(), recordingOf(BUSYBOX, nowhere, text));
    expect(looked.options.reach).toBe('report');
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^what else it can call is not known of all: \/nowhere\/job \(/);
    expect(notes[0]).toContain(`${text} (`);
    expect(notes[0]).not.toContain('busybox');
  });

  test('an engine that is not there is one line, and an error where it decides what is permitted', async () => {
    const { DOCKER_HOST } = process.env;
    process.env.DOCKER_HOST = `unix://${directory}/none.sock`;
    try {
      const image = (reach?: Choice): NamedApp => {
        const { command: _, ...rest } = app(reach).app;
        return { name: 'web', app: { ...rest, image: 'web', engine: 'docker' }, directory };
      };
      const { looked, notes } = await look(image());
      expect(looked).toBe(NOT_LOOKED);
      expect(notes).toEqual([expect.stringContaining('what else it can call is not known: ')]);
      await expect(look(image('likely'))).rejects.toThrow(/docker/i);
    } finally {
      if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = DOCKER_HOST;
    }
  });

  test('an interrupted command ends as such', async () => {
    const reason = new Error('interrupted');
    await expect(look(app(), recordingOf(BUSYBOX), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test('what a killed one had unpacked is removed, and nothing else', () => {
  const tmp = join(directory, 'tmp');
  const dead = ownSession().replace(/\d+-\d+$/, '1-1');
  const kept = [
    `other-${dead}-abcdef`,
    `sysieve-reach-${ownSession()}-abcdef`,
    'sysieve-reach-somebody-abcdef',
  ];
  for (const name of [...kept, `sysieve-reach-${dead}-abcdef`]) {
    mkdirSync(join(tmp, name, 'bin'), { recursive: true });
  }
  removeLeftFiles(tmp);
  expect(readdirSync(tmp).sort()).toEqual(kept.sort());
});

describe('the evidence that is there', () => {
  const evidence = (parts: object): string =>
    JSON.stringify({ version: 3, calls: [], justifications: {}, ...parts });
  const call = (phases: string[]) => ({
    ...{ abi: 'x86_64', name: 'read', action: 'SCMP_ACT_ALLOW', errnoRet: null },
    ...{ why: ['observed'], executables: [], phases },
  });
  const unseen = [{ abi: 'x86_64', name: 'rename', likelihood: 'likely', chain: ['app'] }];
  const older = JSON.stringify({ version: 2, calls: [], justifications: {} });

  test.each<[string, string | null, string, boolean, boolean]>([
    ['none', null, evidence({}), true, false],
    ['the same', evidence({ unseen }), evidence({ unseen }), true, true],
    [
      'another phase',
      evidence({ calls: [call([])] }),
      evidence({ calls: [call(['steady'])] }),
      true,
      true,
    ],
    ['of before anybody looked', evidence({}), evidence({ unseen }), true, false],
    ['of an older version', older, evidence({ unseen }), true, false],
    ['of an older version, and nobody could look', older, evidence({}), true, true],
    ['what nobody could look at now', evidence({ unseen }), evidence({}), true, true],
    [
      'the same with another call',
      evidence({ unseen }),
      evidence({ calls: [call([])] }),
      true,
      false,
    ],
    ['what is no longer asked for', evidence({ unseen }), evidence({}), false, false],
    ['other calls', evidence({ unseen }), evidence({ unseen: [] }), true, false],
  ])('%s', (_, before, now, wanted, same) => {
    expect(saysTheSame(before, now, wanted)).toBe(same);
  });
});
