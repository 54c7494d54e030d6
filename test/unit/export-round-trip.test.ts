/**
 * Random profiles through each format and back: the same Policy under runc and crun, or a refusal
 * that names the place. How many got through is part of the test: one that refuses all is none.
 */
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import type { ExportOptions } from '../../src/export';
import type { ImportOptions } from '../../src/import';
import { equal, type Policy, policyOfProfile } from '../../src/policy';
import { type Profile, parseProfile } from '../../src/profile';
import { abiOf, abisOfMachine, MACHINES, type Machine } from '../../src/tables';
import { exported, fileIn, importedProfile, named } from '../support/exporting';
import { SAMPLES } from '../support/policies';

jest.setTimeout(process.env.SYSIEVE_SOAK === '1' ? 1_800_000 : 240_000);

type Runtime = 'runc' | 'crun';

/** The test's own: the ABIs of one machine, as a runtime there keeps them. */
function policyThere(profile: Profile, machine: Machine, runtime: Runtime): Policy | null {
  const abis = abisOfMachine(machine) ?? [];
  const architectures = profile.architectures.filter((name) => {
    const abi = abiOf(name);
    return abi !== null && abis.includes(abi);
  });
  if (architectures.length === 0 && profile.architectures.length > 0) return null;
  try {
    return policyOfProfile({ ...profile, architectures }, { machine, runtime });
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.kind === 'input') return null;
    throw thrown;
  }
}

interface Route {
  to: string;
  options?: ExportOptions;
  back(made: Awaited<ReturnType<typeof exported>>): Promise<Profile> | Profile;
}

const json = (made: Awaited<ReturnType<typeof exported>>) =>
  parseProfile(fileIn(made, 'app.json'), 'the result');
const engine =
  (from: 'docker' | 'podman', options: ImportOptions = {}) =>
  (made: Awaited<ReturnType<typeof exported>>) =>
    importedProfile(from, fileIn(made, 'app.json'), options);
const OLD = { engineVersion: '20.10.24' };

const ROUTES: readonly Route[] = [
  {
    to: 'machineconfig',
    back: (made) => importedProfile('machineconfig', fileIn(made, '.yaml')),
  },
  {
    to: 'machineconfig',
    options: { syntax: 'json', gzipAbove: 100, ignition: '3.4' },
    back: (made) => importedProfile('machineconfig', fileIn(made, '.json')),
  },
  { to: 'ignition', back: (made) => importedProfile('ignition', fileIn(made, '.ign')) },
  { to: 'butane', back: (made) => importedProfile('butane', fileIn(made, '.bu')) },
  { to: 'spo', back: (made) => importedProfile('spo', fileIn(made, '.yaml')) },
  {
    to: 'spo',
    options: { apiVersion: 'v1beta1', syntax: 'json' },
    back: (made) => importedProfile('spo', fileIn(made, '.json')),
  },
  {
    to: 'kubernetes',
    options: { workload: 'deployment/web', container: ['web'], place: 'configmap', image: 'sh' },
    back: (made) => importedProfile('kubernetes', fileIn(made, 'configmap.yaml')),
  },
  { to: 'crio', back: engine('podman') },
  { to: 'docker', back: engine('docker') },
  { to: 'docker', options: OLD, back: engine('docker', OLD) },
  { to: 'compose', back: engine('docker') },
  { to: 'podman', back: engine('podman') },
  { to: 'containerd', back: json },
];

/** Why a profile may be refused; anything else is a defect. */
const REFUSALS = new Set([
  'export-runtimes-differ',
  'export-spo',
  'export-unread',
  'rules-undecided',
  'profile-refused',
]);

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 2000 : 100;

test.each(ROUTES.map((route) => [`${route.to} ${JSON.stringify(route.options ?? {})}`, route]))(
  '%s: the same policy, or refused',
  async (_name, { to, options, back }) => {
    const seen = { through: 0, refused: new Map<string, number>() };
    await fc.assert(
      fc.asyncProperty(SAMPLES, fc.boolean(), async ({ profile, context }, either) => {
        const { runtime } = context;
        const runtimes = either ? (['runc', 'crun'] as const) : [runtime];
        let made: Awaited<ReturnType<typeof exported>>;
        try {
          made = await exported(to, named(profile), {
            ...options,
            ...(either ? {} : { runtime }),
          });
        } catch (thrown) {
          if (!(thrown instanceof SysieveError)) throw thrown;
          expect(thrown.kind).toBe('input');
          expect(thrown.message).toContain('app.json');
          expect(thrown.remedy).toBeTruthy();
          seen.refused.set(thrown.code, (seen.refused.get(thrown.code) ?? 0) + 1);
          return;
        }
        const there = await back(made);
        for (const machine of MACHINES) {
          for (const each of runtimes) {
            const before = policyThere(profile, machine, each);
            if (before === null) continue;
            const after = policyThere(there, machine, each);
            expect(after !== null && equal(before, after)).toBe(true);
          }
        }
        seen.through += 1;
      }),
      { numRuns: RUNS },
    );
    expect([...seen.refused.keys()].filter((code) => !REFUSALS.has(code))).toEqual([]);
    expect(seen.through).toBeGreaterThan(RUNS / 20);
  },
);
