/**
 * OpenShift's SecurityContextConstraints (openshift/api security/v1): like restricted-v2, but for the
 * profile, which a pod gets where it names none and without which it is not admitted.
 */
import { pathOf } from './kubelet';
import { checkObjectName } from './names';
import { objectFile } from './objects';
import { checkRuntimes, foreignNotes } from './plain';
import type { Emitter } from './types';

/** Nothing of the host, and nothing that a node keeps beyond the pod. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

export const scc: Emitter = (profiles, options) => {
  for (const profile of profiles) checkRuntimes(profile, options);
  const [first] = profiles;
  const name = checkObjectName(
    'name for SecurityContextConstraints',
    options.objectName ?? `${profiles.map((profile) => profile.name).join('-')}-seccomp`,
  );
  const paths = profiles.map((profile) => pathOf(profile, options));
  const object = {
    apiVersion: 'security.openshift.io/v1',
    kind: 'SecurityContextConstraints',
    metadata: { name },
    allowHostDirVolumePlugin: false,
    allowHostIPC: false,
    allowHostNetwork: false,
    allowHostPID: false,
    allowHostPorts: false,
    allowPrivilegeEscalation: false,
    allowPrivilegedContainer: false,
    allowedCapabilities: [],
    defaultAddCapabilities: [],
    fsGroup: { type: 'MustRunAs' },
    groups: [],
    priority: null,
    readOnlyRootFilesystem: false,
    requiredDropCapabilities: ['ALL'],
    runAsUser: { type: 'MustRunAsRange' },
    seLinuxContext: { type: 'MustRunAs' },
    seccompProfiles: paths.map((path) => `localhost/${path}`),
    supplementalGroups: { type: 'RunAsAny' },
    users: [],
    volumes: VOLUMES,
  };
  return {
    files: [objectFile(name, object, options, `the SecurityContextConstraints ${name}`)],
    notes: [
      ...profiles.flatMap(foreignNotes),
      `it demands ${paths.join(' or ')} below kubelet's directory of profiles and brings nothing there: ` +
        '--to machineconfig does',
      'a pod runs under it with a user of its namespace and without any capability: record it like that, ' +
        'or it makes other calls than the profile knows',
      `nobody may use it yet: oc adm policy add-scc-to-user ${name} -z SERVICEACCOUNT -n NAMESPACE`,
      'a pod that another SCC admits as well may get that one: name this one in its annotation ' +
        'openshift.io/required-scc',
      ...(paths.length > 1 ? [`a pod that names no profile gets that of ${first.name}`] : []),
    ],
  };
};
