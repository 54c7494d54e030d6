/**
 * What Kubernetes' and OpenShift's types say of the objects in deploy/openshift, in this project's words
 * and closed: a field that is not here is a mistake. From kubernetes/api (core/v1, rbac/v1, batch/v1,
 * apps/v1) and openshift/api (security/v1).
 */
type Schema = Record<string, unknown>;

function closed(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: 'object', properties, required, additionalProperties: false };
}

const list = (items: Schema, minItems = 1): Schema => ({ type: 'array', items, minItems });
const constant = (value: unknown): Schema => ({ enum: [value] });
const text: Schema = { type: 'string', minLength: 1 };
const LABEL: Schema = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 };
const PATH: Schema = { type: 'string', pattern: '^(/[^/.:][^/:]*)+$' };
const CAPABILITY: Schema = { type: 'string', pattern: '^[A-Z][A-Z_]+$', not: { pattern: '^CAP_' } };
const LABELS: Schema = {
  type: 'object',
  additionalProperties: { type: 'string', pattern: '^[A-Za-z0-9]?[-A-Za-z0-9_.]*$', maxLength: 63 },
};

function object(apiVersion: string, kind: string, metadata: Schema, rest: Record<string, Schema>) {
  return closed({ apiVersion: constant(apiVersion), kind: constant(kind), metadata, ...rest });
}

const named = closed({ name: LABEL });
const placed = closed({ name: LABEL, namespace: LABEL });

export const recorderNamespace = object(
  'v1',
  'Namespace',
  closed({ name: LABEL, labels: LABELS }),
  {},
);

export const recorderServiceAccount = object('v1', 'ServiceAccount', placed, {
  automountServiceAccountToken: constant(false),
});

const RBAC = 'rbac.authorization.k8s.io';

export const recorderRole = object(`${RBAC}/v1`, 'Role', placed, {
  rules: list(
    closed({
      apiGroups: constant(['security.openshift.io']),
      resources: constant(['securitycontextconstraints']),
      resourceNames: constant(['sysieve-recorder']),
      verbs: constant(['use']),
    }),
  ),
});

export const recorderRoleBinding = object(`${RBAC}/v1`, 'RoleBinding', placed, {
  roleRef: closed({ apiGroup: constant(RBAC), kind: constant('Role'), name: LABEL }),
  subjects: list(closed({ kind: constant('ServiceAccount'), name: LABEL, namespace: LABEL })),
});

const seLinuxOptions = closed({ type: { type: 'string', pattern: '^[a-z_]+_t$' } });

export const recorderConstraints = object(
  'security.openshift.io/v1',
  'SecurityContextConstraints',
  named,
  {
    allowHostDirVolumePlugin: constant(true),
    allowHostIPC: constant(false),
    allowHostNetwork: constant(false),
    allowHostPID: constant(true),
    allowHostPorts: constant(false),
    allowPrivilegeEscalation: constant(false),
    allowPrivilegedContainer: constant(false),
    allowedCapabilities: list(CAPABILITY),
    defaultAddCapabilities: constant([]),
    fsGroup: closed({ type: { enum: ['MustRunAs', 'RunAsAny'] } }),
    groups: constant([]),
    priority: { type: ['integer', 'null'] },
    readOnlyRootFilesystem: constant(true),
    requiredDropCapabilities: constant(['ALL']),
    runAsUser: closed({ type: constant('MustRunAs'), uid: constant(0) }),
    seLinuxContext: closed({ type: constant('MustRunAs'), seLinuxOptions }),
    seccompProfiles: constant(['unconfined']),
    supplementalGroups: closed({ type: { enum: ['MustRunAs', 'RunAsAny'] } }),
    users: constant([]),
    volumes: list({ enum: ['configMap', 'emptyDir', 'hostPath'] }),
  },
);

const QUANTITY: Schema = { type: 'string', pattern: '^[1-9][0-9]*(m|Mi|Gi)?$' };

const container = closed({
  name: LABEL,
  image: text,
  command: list(text),
  args: list(text),
  env: list({
    oneOf: [
      closed({ name: text, value: text }),
      closed({ name: text, valueFrom: closed({ fieldRef: closed({ fieldPath: text }) }) }),
    ],
  }),
  resources: closed({
    requests: closed({ cpu: QUANTITY, memory: QUANTITY }),
    limits: closed({ memory: QUANTITY }),
  }),
  securityContext: closed({
    runAsUser: constant(0),
    readOnlyRootFilesystem: constant(true),
    allowPrivilegeEscalation: constant(false),
    capabilities: closed({ drop: constant(['ALL']), add: list(CAPABILITY) }),
    seLinuxOptions,
    seccompProfile: closed({ type: constant('Unconfined') }),
  }),
  volumeMounts: list(
    closed({ name: LABEL, mountPath: PATH, readOnly: { type: 'boolean' } }, ['readOnly']),
  ),
});

const volume: Schema = {
  oneOf: [
    closed({ name: LABEL, hostPath: closed({ path: PATH, type: constant('Directory') }) }),
    closed({ name: LABEL, configMap: named }),
    closed({ name: LABEL, emptyDir: closed({ sizeLimit: QUANTITY }) }),
  ],
};

const template = (own: Record<string, Schema>) =>
  closed({
    metadata: closed({
      labels: LABELS,
      annotations: closed({ 'openshift.io/required-scc': constant('sysieve-recorder') }),
    }),
    spec: closed({
      ...own,
      serviceAccountName: LABEL,
      automountServiceAccountToken: constant(false),
      hostPID: constant(true),
      containers: list(container),
      volumes: list(volume),
    }),
  });

export function recorderWorkload(kind: 'Job' | 'DaemonSet'): Schema {
  if (kind === 'Job') {
    const own = { nodeName: text, restartPolicy: constant('Never') };
    const spec = closed({ backoffLimit: constant(0), template: template(own) });
    return object('batch/v1', 'Job', placed, { spec });
  }
  const tolerations = constant([{ operator: 'Exists' }]);
  const selector = closed({ matchLabels: LABELS });
  const spec = closed({ selector, template: template({ tolerations }) });
  return object('apps/v1', 'DaemonSet', placed, { spec });
}
