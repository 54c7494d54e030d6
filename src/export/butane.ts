/**
 * Butane's variant `openshift` (coreos/butane config/openshift): what people write and `butane` makes
 * a MachineConfig of. 4.10 is the first whose output a node decompresses.
 */
import { butaneFiles, placedProfiles } from './ignition-files';
import { poolsOf, rolloutNotes } from './machineconfig';
import type { Emitter } from './types';
import { toYaml } from './yaml';

/** The first of the versions that make this Ignition. */
const SPECS = { '3.2': '4.10.0', '3.4': '4.14.0' } as const;

export const butane: Emitter = (profiles, options) => {
  const { placed, notes } = placedProfiles(profiles, options);
  const pools = poolsOf(profiles, options);
  return {
    files: pools.map(({ role, name }) => ({
      name: `${name}.bu`,
      data: toYaml({
        variant: 'openshift',
        version: SPECS[options.ignition ?? '3.2'],
        metadata: { name, labels: { 'machineconfiguration.openshift.io/role': role } },
        storage: { files: butaneFiles(placed) },
      }),
    })),
    notes: [...notes, ...rolloutNotes(pools, [], options)],
  };
};
