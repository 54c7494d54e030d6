/**
 * Kubernetes: a patch by which a workload's pods or containers demand the profile, and on request a
 * ConfigMap with it and what brings it from there to the node.
 */
import { SysieveError } from '../errors';
import { kubeletRoot, pathOf } from './kubelet';
import { checkImage, checkObjectName } from './names';
import { objectFile } from './objects';
import { plainFile } from './plain';
import type { Emitter, ExportedFile, ExportOptions, NamedProfile } from './types';
import { containersOf, type Workload, workloadOf } from './workload';
import { type PlainObject, toYaml } from './yaml';

const PLACER = 'place-seccomp-profile';
const SOURCE_VOLUME = 'seccomp-profile';
const NODE_VOLUME = 'node-seccomp-profiles';

/**
 * An init container that copies the profile to the node it runs on. The rename makes it whole or not
 * there; every name in the script is of letters, digits, ., _, - and / alone.
 */
function placer(
  named: NamedProfile,
  configMap: string,
  image: string,
  options: ExportOptions,
): { initContainer: PlainObject; volumes: PlainObject[] } {
  const path = pathOf(named, options);
  const target = `/node/${path}`;
  const directory = target.slice(0, target.lastIndexOf('/'));
  // Of a pod, as several may start at once. Not `$$`: in a command Kubernetes makes `$` of it.
  const temporary = `${directory}/.${named.name}.$POD_UID`;
  const copy = `cp /profile/${named.name}.json "${temporary}"`;
  return {
    initContainer: {
      name: PLACER,
      image: checkImage(image),
      command: [
        'sh',
        '-ec',
        `mkdir -p ${directory}; ${copy}; chmod 644 "${temporary}"; mv -f "${temporary}" ${target}`,
      ],
      env: [{ name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }],
      securityContext: {
        runAsUser: 0,
        runAsNonRoot: false,
        privileged: false,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumeMounts: [
        { name: SOURCE_VOLUME, mountPath: '/profile', readOnly: true },
        { name: NODE_VOLUME, mountPath: '/node' },
      ],
    },
    volumes: [
      { name: SOURCE_VOLUME, configMap: { name: configMap } },
      {
        name: NODE_VOLUME,
        hostPath: { path: kubeletRoot(options), type: 'DirectoryOrCreate' },
      },
    ],
  };
}

/** What `--place configmap` cannot do without. */
function checkPlacing({ container, image }: ExportOptions): string {
  if (container === undefined) {
    throw new SysieveError(
      'usage',
      'usage',
      '--place configmap needs --container: a profile of the whole pod is looked for before any ' +
        'container of it has run, so nothing in the pod can bring it',
    );
  }
  if (image === undefined) {
    throw new SysieveError('usage', 'usage', '--place configmap needs --image', {
      remedy: 'Name an image that has sh, mkdir, cp, chmod and mv, for example of busybox.',
    });
  }
  return image;
}

const PLACING_NOTES = [
  'the profile is copied by an init container that writes to the node: it needs root and a hostPath, ' +
    "which Pod Security's baseline and OpenShift's restricted SCCs refuse, and SELinux may",
  'whoever may change the ConfigMap changes the profile of later starts, and whoever may create such ' +
    'pods can write any profile: keep it to namespaces that are trusted with the node',
  'init containers of the workload itself start before it may have run: name none of them in --container',
  'nothing removes the file again',
];

function patchFiles(
  workload: Workload,
  patch: PlainObject,
  resources: readonly ExportedFile[],
  options: ExportOptions,
): ExportedFile[] {
  const file = objectFile(`${workload.name}-seccomp`, patch, options, 'the patch');
  if (options.patch !== 'kustomize') return [file, ...resources];
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    ...(resources.length === 0 ? {} : { resources: resources.map(({ name }) => name) }),
    patches: [{ path: file.name, target: { kind: workload.kind, name: workload.name } }],
  };
  return [{ name: 'kustomization.yaml', data: toYaml(kustomization) }, file, ...resources];
}

export const kubernetes: Emitter = ([named], options) => {
  const { text, notes } = plainFile(named, options);
  const workload = workloadOf(options);
  const containers = containersOf(options);
  const placing = options.place === undefined ? null : checkPlacing(options);
  if (placing === null && options.image !== undefined) {
    throw new SysieveError('usage', 'usage', '--image has no meaning without --place configmap');
  }
  const path = pathOf(named, options);
  const securityContext = { seccompProfile: { type: 'Localhost', localhostProfile: path } };
  const configMap = checkObjectName(
    'name for a ConfigMap',
    options.objectName ?? `seccomp-${named.name}`,
  );
  const placed = placing === null ? null : placer(named, configMap, placing, options);
  const spec: PlainObject = {
    ...(containers === undefined
      ? { securityContext }
      : { containers: containers.map((name) => ({ name, securityContext })) }),
    ...(placed === null ? {} : { initContainers: [placed.initContainer], volumes: placed.volumes }),
  };
  const resources =
    placed === null
      ? []
      : [
          objectFile(
            `${configMap}-configmap`,
            {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              metadata: {
                name: configMap,
                ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
              },
              data: { [`${named.name}.json`]: text },
            },
            options,
            `the ConfigMap ${configMap}`,
          ),
        ];
  const files = patchFiles(workload, workload.patch({ spec }), resources, options);
  return {
    files,
    notes: [
      ...notes,
      ...(placed === null
        ? [
            `every node that may run it needs the file at ${kubeletRoot(options)}/${path}, or its pods ` +
              'do not start',
          ]
        : PLACING_NOTES),
      containers === undefined
        ? 'a container with a seccompProfile of its own keeps that one'
        : "the pod's other containers, and its sandbox, keep what they have",
      'a privileged container runs without a filter whatever is asked for',
      workload.kind === 'Pod'
        ? "a running pod's securityContext cannot be changed: patch its manifest before it is created"
        : options.patch === 'kustomize'
          ? 'add the directory under components: in a kustomization.yaml'
          : `kubectl patch ${workload.kind.toLowerCase()} ${workload.name} --patch-file FILE`,
    ],
  };
};
