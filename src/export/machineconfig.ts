/**
 * OpenShift's MachineConfig (openshift/api machineconfiguration/v1): one for each pool of machines,
 * which the Machine Config Operator brings to their nodes.
 */
import { SysieveError } from '../errors';
import { ignitionConfig, isCompressed, type PlacedProfile, placedProfiles } from './ignition-files';
import { checkLabel, checkObjectName } from './names';
import { objectFile } from './objects';
import type { Emitter, ExportedFile, ExportOptions, Profiles } from './types';

const ROLE_LABEL = 'machineconfiguration.openshift.io/role';

interface Pool {
  readonly role: string;
  /** Of the object. */
  readonly name: string;
}

/** The pools, each with the name of its object. 99 is where the cluster's owner adds what is theirs. */
export function poolsOf(profiles: Profiles, { role, objectName }: ExportOptions): Pool[] {
  const roles = [...new Set(role ?? ['worker'])];
  if (objectName !== undefined && roles.length > 1) {
    throw new SysieveError(
      'usage',
      'usage',
      '--object-name names one object, and each role has its own',
    );
  }
  const named = profiles.map(({ name }) => name).join('-');
  return roles.map((pool) => {
    checkLabel('name of a machine config pool', pool, 'For example worker or master.');
    const name = checkObjectName(
      'name for a MachineConfig',
      objectName ?? `99-${pool}-seccomp-${named}`,
    );
    return { role: pool, name };
  });
}

/** What there is to know of bringing files to nodes in this way. */
export function rolloutNotes(
  pools: readonly Pool[],
  placed: readonly PlacedProfile[],
  options: ExportOptions,
): string[] {
  const roles = pools.map(({ role }) => role).join(' and ');
  const custom = pools.filter(({ role }) => !['worker', 'master', 'arbiter'].includes(role));
  return [
    options.nodeDisruption
      ? `the nodes of ${roles} take it without a reboot once the policy is there: apply that first, and ` +
        'with --server-side, or the policies of other files in it are lost (OpenShift 4.17 and later)'
      : `every node of ${roles} is drained and rebooted for it, one after the other, unless a node ` +
        'disruption policy says otherwise (--to machineconfig --node-disruption makes one)',
    'running containers keep the filter that they started with; each start reads the file anew',
    ...custom.map(
      ({ role }) => `the pool ${role} is a custom one: its machineConfigSelector must name it`,
    ),
    ...(placed.some((profile) => isCompressed(profile, options))
      ? [
          'compressed contents need OpenShift 4.10 or later: before, nodes keep the compressed bytes',
        ]
      : []),
  ];
}

/** operator.openshift.io/v1, MachineConfiguration: by file, what a change of it does to a node. */
function disruptionPolicy(placed: readonly PlacedProfile[], options: ExportOptions): ExportedFile {
  return objectFile(
    'node-disruption-policy',
    {
      apiVersion: 'operator.openshift.io/v1',
      kind: 'MachineConfiguration',
      metadata: { name: 'cluster' },
      spec: {
        nodeDisruptionPolicy: {
          files: placed.map(({ path }) => ({ path, actions: [{ type: 'None' }] })),
        },
      },
    },
    options,
    'the node disruption policy',
  );
}

/** CRD: maxItems. */
const POLICY_LIMIT = 50;

export const machineconfig: Emitter = (profiles, options) => {
  const { placed, notes } = placedProfiles(profiles, options);
  if (options.nodeDisruption && placed.length > POLICY_LIMIT) {
    throw new SysieveError(
      'input',
      'export-too-many',
      `${placed.length} profiles: a node disruption policy names ${POLICY_LIMIT} files at most`,
      { remedy: 'Export fewer at once.' },
    );
  }
  const pools = poolsOf(profiles, options);
  const files = pools.map(({ role, name }) =>
    objectFile(
      name,
      {
        apiVersion: 'machineconfiguration.openshift.io/v1',
        kind: 'MachineConfig',
        metadata: { name, labels: { [ROLE_LABEL]: role } },
        spec: { config: ignitionConfig(placed, options) },
      },
      options,
      `the MachineConfig ${name}`,
    ),
  );
  if (options.nodeDisruption) files.push(disruptionPolicy(placed, options));
  return { files, notes: [...notes, ...rolloutNotes(pools, placed, options)] };
};
