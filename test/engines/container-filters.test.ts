/**
 * What sysieve makes of the engines' own profile formats is what the engines here install: the
 * filter of a live container, read back from the kernel, means the same as the profile resolved
 * under the container's capabilities and this kernel. That for the engines' defaults as the table
 * knows them, and for a file that uses everything the formats have.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { dumpFilters } from '../../src/capture/filter';
import {
  differences,
  equal,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
} from '../../src/policy';
import {
  defaultProfile,
  type EngineContext,
  type Profile,
  parseGatedProfile,
  resolveGatedProfile,
} from '../../src/profile';
import { CAPABILITIES } from '../../src/tables';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { gatedSample } from '../support/gated-sample';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

/** What the container's main process may ever have. */
function boundingSet(pid: number): string[] {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const bits = BigInt(`0x${/^CapBnd:\s*(\w+)$/m.exec(status)?.[1]}`);
  return CAPABILITIES.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
}

/** The version of the installed containers/common, which brings Podman's profile. */
function commonVersion(): string {
  const args = ['-s', 'golang-github-containers-common'];
  const text = execFileSync('dpkg-query', args, { encoding: 'utf8' });
  const found = /^Version: (?:\d+:)?(\d+\.\d+\.\d+)/m.exec(text)?.[1];
  if (found === undefined) throw new Error(`no version in ${text}`);
  return found;
}

interface Setup {
  name: string;
  start(dir: string): Promise<TestEngine>;
  version(engine: TestEngine): Promise<string>;
}

const SETUPS: Setup[] = [
  {
    name: 'docker with runc',
    start: startDocker,
    version: (engine) => engine.cli('version', '--format', '{{.Server.Version}}'),
  },
  {
    name: 'podman with runc',
    start: (dir) => startPodman(dir, 'runc'),
    version: async () => commonVersion(),
  },
  {
    name: 'podman with crun',
    start: (dir) => startPodman(dir, 'crun'),
    version: async () => commonVersion(),
  },
];

const OPTIONS: [string, string[]][] = [
  ['as it comes', []],
  ['with SYS_ADMIN', ['--cap-add', 'SYS_ADMIN']],
  ['with SYS_PTRACE', ['--cap-add', 'SYS_PTRACE']],
  ['without capabilities', ['--cap-drop', 'ALL']],
  [
    'with many capabilities',
    ['SYS_MODULE', 'SYS_ADMIN', 'SYS_TIME', 'SYS_NICE', 'SYSLOG', 'DAC_READ_SEARCH'].flatMap(
      (name) => ['--cap-add', name],
    ),
  ],
];

privileged('filters of containers', () => {
  describe.each(SETUPS)('$name', ({ start, version }) => {
    let engine: TestEngine;
    let known: string;

    beforeAll(async () => {
      engine = await start(mkdtempSync(path.join(tmpdir(), 'sysieve-defaults-')));
      await importImages(engine, ['busybox']);
      known = await version(engine);
    });

    afterAll(async () => {
      await engine?.stop();
    });

    /** The live filter of a container, and what `resolve` makes of its context. */
    async function compare(
      options: readonly string[],
      resolve: (context: EngineContext) => Profile,
    ): Promise<{ live: Policy; under(context: Partial<EngineContext>): Policy }> {
      const id = await engine.cli(
        ...['run', '-d', ...engine.createArgs, '--network=none', ...options],
        ...[imageRef('busybox'), '/bin/sleep', '1000'],
      );
      const pid = Number(await engine.cli('inspect', '--format', '{{.State.Pid}}', id));
      const capabilities = boundingSet(pid);
      const programs = dumpFilters(pid);
      expect(programs).toHaveLength(1);
      const context: EngineContext = {
        engine: engine.name,
        engineVersion: engine.name === 'docker' ? known : undefined,
        capabilities,
        kernelVersion: release(),
        architecture: 'x86_64',
      };
      const under = (other: Partial<EngineContext>) =>
        policyOfProfile(resolve({ ...context, ...other }), {
          runtime: engine.runtime,
          machine: 'x86_64',
        });
      return { live: policyOfPrograms(programs), under };
    }

    test.each(OPTIONS)('the default %s', async (_, options) => {
      const { live, under } = await compare(options, (context) =>
        defaultProfile(engine.name, known, context),
      );
      const own = under({});
      // Engine and table are of one release: no difference has an excuse.
      expect(differences(live, own)).toEqual([]);
      expect(equal(live, own)).toBe(true);
      // The comparison can fail: under other capabilities it is another policy.
      const other = options.includes('--cap-drop') ? ['CAP_SYS_ADMIN'] : [];
      expect(equal(live, under({ capabilities: other }))).toBe(false);
    });

    test('a profile that uses all that the formats have', async () => {
      const file = path.join(engine.dir, 'gated.json');
      writeFileSync(file, JSON.stringify(gatedSample()));
      const profile = parseGatedProfile(readFileSync(file, 'utf8'), file);
      const { live, under } = await compare(['--security-opt', `seccomp=${file}`], (context) =>
        resolveGatedProfile(profile, context),
      );
      expect(differences(live, under({}))).toEqual([]);
      // The other engine would read it otherwise, and so would another release of Docker.
      const other = engine.name === 'docker' ? 'podman' : 'docker';
      expect(equal(live, under({ engine: other }))).toBe(false);
      if (engine.name === 'docker') {
        expect(equal(live, under({ engineVersion: '23.0.0' }))).toBe(!/^20\./.test(known));
      }
    });
  });
});
