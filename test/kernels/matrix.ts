/** Which kernels are booted, which tracers are tried in each, and with which fixtures. */

export interface Kernel {
  /** Directory below build/kernels, and the row's name. */
  name: string;
  suite: string;
  package: string;
}

/** Debian's, oldest first. */
export const KERNELS: readonly Kernel[] = [
  { name: 'bullseye', suite: 'bullseye-security', package: 'linux-image-amd64' },
  { name: 'bookworm', suite: 'bookworm-security', package: 'linux-image-amd64' },
  { name: 'bookworm-rt', suite: 'bookworm-security', package: 'linux-image-rt-amd64' },
  { name: 'trixie', suite: 'trixie', package: 'linux-image-amd64' },
  { name: 'trixie-backports', suite: 'trixie-backports', package: 'linux-image-amd64' },
];

export interface TracerRow {
  name: string;
  /** Options of `record`. */
  how: readonly string[];
  /** Its name in doctor's findings. */
  finding: string;
  /** false: by nature it cannot tell a denied call from a failed one. */
  tellsDenied: boolean;
  /** Fixtures whose calls it cannot all see by nature; declared in its completeness. */
  not: readonly string[];
}

export const TRACERS: readonly TracerRow[] = [
  {
    name: 'ebpf, typed',
    how: ['--programs', 'typed', '--denied'],
    finding: 'tracer ebpf (tp_btf)',
    tellsDenied: true,
    not: [],
  },
  {
    name: 'ebpf, raw',
    how: ['--programs', 'raw', '--denied'],
    finding: 'tracer ebpf (raw tracepoints)',
    tellsDenied: true,
    not: ['denied-kill-thread'],
  },
  {
    name: 'ptrace',
    how: ['--tracer', 'ptrace'],
    finding: 'tracer ptrace',
    tellsDenied: false,
    not: [],
  },
  {
    name: 'notify',
    how: ['--tracer', 'notify'],
    finding: 'tracer notify',
    tellsDenied: false,
    // A filter of the target's own that answers a call outranks the listener.
    not: [
      'denied-errno',
      'denied-inherited',
      'denied-kill-process',
      'denied-kill-thread',
      'denied-trap',
    ],
  },
];

/** Processes, threads, every way to execute, signals, foreign ABIs, every kind of denial. */
export const CORE: readonly string[] = [
  'clone3',
  'denied-errno',
  'denied-inherited',
  'denied-kill-process',
  'denied-kill-thread',
  'denied-trap',
  'exec-chain',
  'exec-thread',
  'exit-thread',
  'fork',
  'int80',
  'signals',
  'threads',
  'vfork',
];

/** What is found in one kernel: by tracer a cell of the table, and what is wrong besides. */
export interface Found {
  release: string;
  cells: Record<string, string>;
  problems: string[];
}
