/** The formats of `import`, in the order of its help. The file of a format is loaded when it is asked for. */
import type { ImportFormat } from './types';

export const IMPORT_FORMATS: ReadonlyMap<string, ImportFormat> = new Map([
  [
    'docker',
    {
      summary: "Docker's own format (moby), with its gates",
      reads: ['caps', 'kernel', 'arch', 'engineVersion'],
      several: false,
      load: async () => (await import('./gated.js')).docker,
    },
  ],
  [
    'podman',
    {
      summary: "Podman's and CRI-O's own format (containers/common), with its gates",
      reads: ['caps', 'arch'],
      several: false,
      load: async () => (await import('./gated.js')).podman,
    },
  ],
  [
    'spo',
    {
      summary: "the Security Profiles Operator's SeccompProfile",
      reads: ['withoutBase'],
      several: false,
      load: async () => (await import('./spo.js')).spo,
    },
  ],
  [
    'machineconfig',
    {
      summary: "the profiles among the files of OpenShift's MachineConfig",
      reads: ['profile', 'caps', 'arch'],
      several: false,
      load: async () => (await import('./ignition.js')).machineconfig,
    },
  ],
  [
    'ignition',
    {
      summary: 'the profiles among the files of an Ignition configuration',
      reads: ['profile', 'caps', 'arch'],
      several: false,
      load: async () => (await import('./ignition.js')).ignition,
    },
  ],
  [
    'butane',
    {
      summary: "the profiles among the files of a configuration of Butane's",
      reads: ['profile', 'caps', 'arch'],
      several: false,
      load: async () => (await import('./butane.js')).butane,
    },
  ],
  [
    'kubernetes',
    {
      summary: 'the profiles in a ConfigMap',
      reads: ['profile', 'caps', 'arch'],
      several: false,
      load: async () => (await import('./kubernetes.js')).kubernetes,
    },
  ],
  [
    'systemd',
    {
      summary: 'the SystemCall* settings of a unit or drop-in',
      reads: ['arch', 'systemdGroups'],
      several: false,
      load: async () => (await import('./systemd.js')).systemd,
    },
  ],
  [
    'minijail',
    {
      summary: 'a policy of minijail',
      reads: ['arch', 'minijailParser', 'defaultAction'],
      several: false,
      load: async () => (await import('./minijail.js')).minijail,
    },
  ],
  [
    'oci-hook',
    {
      summary: 'what oci-seccomp-bpf-hook writes: a profile',
      reads: [],
      several: false,
      load: async () => (await import('./hook.js')).hook,
    },
  ],
  [
    'strace',
    {
      summary: 'a log of strace -f, or the files of strace -ff: a recording',
      reads: ['arch', 'unfiltered'],
      several: true,
      load: async () => (await import('./strace.js')).strace,
    },
  ],
  [
    'audit',
    {
      summary: "records of the kernel's audit log (SECCOMP, SYSCALL): a recording",
      reads: ['arch', 'pid', 'comm', 'exe'],
      several: true,
      load: async () => (await import('./audit.js')).audit,
    },
  ],
  [
    'perf-trace',
    {
      summary: 'what perf trace prints: a recording',
      reads: ['arch', 'unfiltered'],
      several: true,
      load: async () => (await import('./perf.js')).perf,
    },
  ],
] satisfies [string, ImportFormat][]);
