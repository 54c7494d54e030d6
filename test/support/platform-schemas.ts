/**
 * What the platforms' own schemas say of the objects that an export makes, in this project's words and
 * closed: a field that is not here is a mistake. From coreos/ignition config/v3_2 and v3_4 (schema/
 * ignition.json), openshift/api (CRDs of machineconfigs, machineconfigurations and
 * securitycontextconstraints), security-profiles-operator (deploy/base-crds), kubernetes/api core/v1.
 */
type Schema = Record<string, unknown>;

function closed(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: 'object', properties, required, additionalProperties: false };
}

const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
const constant = (value: unknown): Schema => ({ enum: [value] });
const text: Schema = { type: 'string', minLength: 1 };
const NAME: Schema = {
  type: 'string',
  pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
  maxLength: 253,
};
const PATH: Schema = { type: 'string', pattern: '^(/[^/.][^/]*)+$' };
const DATA: Schema = { type: 'string', pattern: '^data:[^,]*;base64,[A-Za-z0-9+/]*={0,2}$' };

export const ignition = (version: string): Schema =>
  closed({
    ignition: closed({ version: constant(version) }),
    storage: closed({
      files: list(
        closed({
          path: PATH,
          mode: { type: 'integer', minimum: 0, maximum: 0o7777 },
          overwrite: { type: 'boolean' },
          contents: closed({ source: DATA, compression: constant('gzip') }, ['compression']),
        }),
        { minItems: 1 },
      ),
    }),
  });

export const machineConfig = (version: string): Schema =>
  closed({
    apiVersion: constant('machineconfiguration.openshift.io/v1'),
    kind: constant('MachineConfig'),
    metadata: closed({
      name: NAME,
      labels: closed({ 'machineconfiguration.openshift.io/role': NAME }),
    }),
    spec: closed({ config: ignition(version) }),
  });

export const machineConfiguration = closed({
  apiVersion: constant('operator.openshift.io/v1'),
  kind: constant('MachineConfiguration'),
  metadata: closed({ name: constant('cluster') }),
  spec: closed({
    nodeDisruptionPolicy: closed({
      files: list(closed({ path: PATH, actions: constant([{ type: 'None' }]) }), { maxItems: 50 }),
    }),
  }),
});

export const butane = closed({
  variant: constant('openshift'),
  version: { enum: ['4.10.0', '4.14.0'] },
  metadata: closed({
    name: NAME,
    labels: closed({ 'machineconfiguration.openshift.io/role': NAME }),
  }),
  storage: closed({
    files: list(
      closed({
        path: PATH,
        mode: { type: 'integer' },
        overwrite: { type: 'boolean' },
        contents: closed({ inline: text }),
      }),
    ),
  }),
});

const strategy = (...types: string[]): Schema => closed({ type: { enum: types } });
const never: Schema = { enum: [false] };

/** `priority` may be null but not absent. */
export const securityContextConstraints = closed({
  apiVersion: constant('security.openshift.io/v1'),
  kind: constant('SecurityContextConstraints'),
  metadata: closed({ name: NAME }),
  allowHostDirVolumePlugin: never,
  allowHostIPC: never,
  allowHostNetwork: never,
  allowHostPID: never,
  allowHostPorts: never,
  allowPrivilegeEscalation: never,
  allowPrivilegedContainer: never,
  allowedCapabilities: constant([]),
  defaultAddCapabilities: constant([]),
  fsGroup: strategy('MustRunAs', 'RunAsAny'),
  groups: list(text),
  priority: { type: ['integer', 'null'] },
  readOnlyRootFilesystem: { type: 'boolean' },
  requiredDropCapabilities: constant(['ALL']),
  runAsUser: strategy('MustRunAsRange', 'MustRunAsNonRoot'),
  seLinuxContext: strategy('MustRunAs'),
  seccompProfiles: list({ type: 'string', pattern: '^localhost/[^/].*\\.json$' }, { minItems: 1 }),
  supplementalGroups: strategy('MustRunAs', 'RunAsAny'),
  users: list(text),
  volumes: list({
    enum: [
      ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral'],
      ...['persistentVolumeClaim', 'projected', 'secret'],
    ],
  }),
});

const INT64 = { type: 'integer', minimum: 0, maximum: Number(0x7fff_ffff_ffff_ffffn) };
const ACTION: Schema = { type: 'string', pattern: '^SCMP_ACT_[A-Z_]+$' };

/** `uniqueItems` is the CRD's list type "set". */
export const seccompProfile = closed({
  apiVersion: {
    enum: ['v1', 'v1beta1'].map((version) => `security-profiles-operator.x-k8s.io/${version}`),
  },
  kind: constant('SeccompProfile'),
  metadata: closed({ name: NAME, namespace: NAME }, ['namespace']),
  spec: closed(
    {
      defaultAction: ACTION,
      architectures: list({ type: 'string', pattern: '^SCMP_ARCH_' }, { uniqueItems: true }),
      flags: list({ type: 'string', pattern: '^SECCOMP_FILTER_FLAG_' }, { uniqueItems: true }),
      listenerPath: {
        type: 'string',
        pattern: '^/var/run/security-profiles-operator/[a-zA-Z0-9_.-]+$',
      },
      listenerMetadata: text,
      syscalls: list(
        closed(
          {
            names: list(text, { minItems: 1, uniqueItems: true }),
            action: ACTION,
            errnoRet: { type: 'integer', minimum: 1, maximum: 0x7fff_ffff },
            args: list(
              closed(
                {
                  index: { type: 'integer', minimum: 0 },
                  value: INT64,
                  valueTwo: INT64,
                  op: { type: 'string', pattern: '^SCMP_CMP_[A-Z_]+$' },
                },
                ['valueTwo'],
              ),
              { minItems: 1, maxItems: 6 },
            ),
          },
          ['errnoRet', 'args'],
        ),
      ),
    },
    ['flags', 'listenerPath', 'listenerMetadata'],
  ),
});

const securityContext = closed({
  seccompProfile: closed({
    type: constant('Localhost'),
    localhostProfile: { type: 'string', pattern: '^[^/.][^/]*(/[^/.][^/]*)*$' },
  }),
});

/** Of a pod's spec, what a patch says; `placed` with what brings the profile. */
export const podSpec = (placed: boolean): Schema => {
  const containers = list(closed({ name: NAME, securityContext }), { minItems: 1 });
  if (!placed) return { oneOf: [closed({ securityContext }), closed({ containers })] };
  return closed({
    containers,
    initContainers: list({
      type: 'object',
      required: ['name', 'image', 'command', 'env', 'securityContext', 'volumeMounts'],
    }),
    volumes: list({ type: 'object', required: ['name'] }),
  });
};
