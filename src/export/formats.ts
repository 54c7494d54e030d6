/** The formats of `export`, in the order of its help. The file of a format is loaded when it is asked for. */
import type { ExportFormat } from './types';

export const EXPORT_FORMATS: ReadonlyMap<string, ExportFormat> = new Map([
  [
    'machineconfig',
    {
      summary: "OpenShift's MachineConfig: files on the nodes of a pool",
      reads: [
        ...(['role', 'objectName', 'ignition', 'gzipAbove', 'nodeDisruption'] as const),
        ...(['directory', 'root', 'runtime', 'syntax'] as const),
      ],
      several: true,
      load: async () => (await import('./machineconfig.js')).machineconfig,
    },
  ],
  [
    'ignition',
    {
      summary: 'an Ignition configuration: files at the first boot',
      reads: ['ignition', 'gzipAbove', 'directory', 'root', 'runtime'],
      several: true,
      load: async () => (await import('./ignition.js')).ignition,
    },
  ],
  [
    'butane',
    {
      summary: 'what butane makes a MachineConfig of, with the profiles to be read',
      reads: ['role', 'objectName', 'ignition', 'directory', 'root', 'runtime'],
      several: true,
      load: async () => (await import('./butane.js')).butane,
    },
  ],
  [
    'scc',
    {
      summary: "OpenShift's SecurityContextConstraints that demand the profile and non-root",
      reads: ['objectName', 'directory', 'runtime', 'syntax'],
      several: true,
      load: async () => (await import('./scc.js')).scc,
    },
  ],
  [
    'spo',
    {
      summary: "the Security Profiles Operator's SeccompProfile",
      reads: ['apiVersion', 'objectName', 'namespace', 'runtime', 'syntax'],
      several: false,
      load: async () => (await import('./spo.js')).spo,
    },
  ],
  [
    'kubernetes',
    {
      summary: 'a patch for a workload; with --place what brings the profile to its node',
      reads: [
        ...(['workload', 'container', 'namespace', 'patch', 'place', 'image'] as const),
        ...(['objectName', 'directory', 'root', 'runtime', 'syntax'] as const),
      ],
      several: false,
      load: async () => (await import('./kubernetes.js')).kubernetes,
    },
  ],
  [
    'crio',
    {
      summary: "CRI-O: the node's default, or with --artifact an annotation",
      reads: ['artifact', 'workload', 'container', 'namespace', 'root', 'runtime', 'syntax'],
      several: false,
      load: async () => (await import('./crio.js')).crio,
    },
  ],
  [
    'docker',
    {
      summary: 'Docker: the file for --security-opt seccomp=FILE',
      reads: ['engineVersion', 'runtime'],
      several: false,
      load: async () => (await import('./docker.js')).docker,
    },
  ],
  [
    'compose',
    {
      summary: 'Compose: a file to add, and the profile',
      reads: ['container', 'engineVersion', 'runtime'],
      several: false,
      load: async () => (await import('./compose.js')).compose,
    },
  ],
  [
    'podman',
    {
      summary: 'Podman: a Quadlet unit or a drop-in for one, and the profile',
      reads: ['objectName', 'image', 'root', 'runtime'],
      several: false,
      load: async () => (await import('./podman.js')).podman,
    },
  ],
  [
    'containerd',
    {
      summary: 'containerd, by ctr or CRI: the file',
      reads: ['directory', 'root', 'runtime'],
      several: false,
      load: async () => (await import('./containerd.js')).containerd,
    },
  ],
  [
    'systemd',
    {
      summary: 'a drop-in with SystemCallFilter= and what belongs to it',
      reads: ['dropArguments', 'runtime', 'systemdGroups'],
      several: false,
      load: async () => (await import('./systemd.js')).systemd,
    },
  ],
  [
    'bpf',
    {
      summary: 'the compiled program, for bwrap --seccomp, crosvm, minijail0 --seccomp-bpf-binary',
      reads: [],
      several: false,
      compiles: true,
      load: async () => (await import('./program.js')).bpf,
    },
  ],
  [
    'c',
    {
      summary: 'a C header with the compiled program, and how to load it',
      reads: [],
      several: false,
      compiles: true,
      load: async () => (await import('./program.js')).c,
    },
  ],
  [
    'pfc',
    {
      summary: "libseccomp's pseudo filter code, to be read",
      reads: [],
      several: false,
      compiles: true,
      load: async () => (await import('./program.js')).pfc,
    },
  ],
  [
    'minijail',
    {
      summary: 'a policy of minijail',
      reads: ['dropArguments', 'runtime'],
      several: false,
      load: async () => (await import('./minijail.js')).minijail,
    },
  ],
  [
    'firejail',
    {
      summary: 'seccomp.keep for a profile of firejail',
      reads: ['dropArguments', 'runtime'],
      several: false,
      load: async () => (await import('./firejail.js')).firejail,
    },
  ],
] satisfies [string, ExportFormat][]);
