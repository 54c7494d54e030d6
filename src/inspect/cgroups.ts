/** Where its cgroups are, and what they limit: the smallest limit of each level counts. */
import { found, listed, said, untold } from './lines';
import type { CgroupFacts, Line, ProcessFacts } from './types';

const TOPIC = 'cgroup';

/** Version 1 writes this many pages as "no limit"; a limit above it is none. */
const NO_MEMORY_LIMIT = 2 ** 60;

type Levels = CgroupFacts['levels'];

/** The smallest number that a level says; null: none says one. */
function smallest(levels: Levels, value: (files: Levels[number]) => number | null): number | null {
  const numbers = levels.map(value).filter((one) => one !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}

function whole(text: string | undefined): number | null {
  const digits = /^(\d{1,20})\s*$/.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10));
  return `${Math.round((count / 1024 ** unit) * 100) / 100} ${units[unit]}`;
}

/** In CPUs. */
function cpus(files: Levels[number]): number | null {
  const [quota, period] = (files['cpu.max'] ?? '').trim().split(' ').map(Number);
  if (Number.isFinite(quota) && period !== undefined && period > 0) return (quota ?? 0) / period;
  const cfs = whole(files['cpu.cfs_quota_us']);
  const every = whole(files['cpu.cfs_period_us']);
  return cfs === null || every === null || every === 0 ? null : cfs / every;
}

function memory(files: Levels[number]): number | null {
  const limit = whole(files['memory.max'] ?? files['memory.limit_in_bytes']);
  return limit === null || limit >= NO_MEMORY_LIMIT ? null : limit;
}

interface Limit {
  readonly name: string;
  readonly controller: string;
  readonly of: (files: Levels[number]) => number | null;
  readonly text: (limit: number) => string;
  readonly without: string;
  readonly within: string;
  readonly severity: 'low' | 'note';
  readonly remedy: string;
}

const LIMITS: readonly Limit[] = [
  {
    name: 'cpu',
    controller: 'cpu',
    of: cpus,
    text: (limit) => `${Math.round(limit * 1000) / 1000} CPUs`,
    without: 'it can take all the time of every CPU it may run on',
    within: 'it gets no more',
    severity: 'note',
    remedy: 'Set --cpus, or resources.limits.cpu',
  },
  {
    name: 'memory',
    controller: 'memory',
    of: memory,
    text: bytes,
    without: 'it can take all memory, so that the kernel ends processes of others',
    within: 'beyond it the kernel ends a process of its own',
    severity: 'low',
    remedy: 'Set --memory, or resources.limits.memory',
  },
  {
    name: 'pids',
    controller: 'pids',
    of: (files) => whole(files['pids.max']),
    text: (limit) => `${limit} tasks`,
    without: 'a fork bomb takes all process ids of the host',
    within: 'a fork bomb ends there',
    severity: 'low',
    remedy: 'Set --pids-limit; in Kubernetes podPidsLimit of the kubelet',
  },
];

function limitLine(limit: Limit, cgroups: readonly CgroupFacts[]): Line {
  const { name, controller } = limit;
  const of = cgroups.filter(
    ({ version, controllers }) => version === 2 || controllers.includes(controller),
  );
  const unread = of.find((one) => one.unread !== null)?.unread;
  // A controller is in one hierarchy only.
  const levels = of.flatMap((one) => one.levels);
  const least = smallest(levels, limit.of);
  if (least !== null) {
    return said(TOPIC, { name, value: limit.text(least), meaning: limit.within });
  }
  if (unread != null) return untold(TOPIC, name, unread);
  return found(TOPIC, {
    ...{ name, value: 'no limit', meaning: limit.without, severity: limit.severity },
    ...{ rule: 'no-limit', remedy: limit.remedy, key: [name] },
  });
}

/** What devices.list of version 1 permits; null: there is none. */
export function permittedDevices(cgroups: readonly CgroupFacts[]): string[] | null {
  const v1 = cgroups.find(({ controllers }) => controllers.includes('devices'));
  const list = v1?.levels[0]?.['devices.list'];
  return list === undefined ? null : list.split('\n').filter((line) => line !== '');
}

function devicesLine(cgroups: readonly CgroupFacts[]): Line {
  const permitted = permittedDevices(cgroups);
  const name = 'devices';
  if (permitted === null) {
    return untold(
      TOPIC,
      name,
      cgroups.some(({ controllers }) => controllers.includes('devices'))
        ? 'devices.list cannot be read'
        : 'in cgroup v2 a BPF program decides, which says nothing of itself in a file',
      'bpftool cgroup list PATH shows the program',
    );
  }
  if (permitted.some((line) => /^a \*:\* /.test(line))) {
    return found(TOPIC, {
      name,
      value: 'all (a *:* rwm)',
      meaning: 'every device of the host can be opened, the disks among them',
      rule: 'all-devices',
      severity: 'high',
      remedy: 'Start it without --privileged; give single devices with --device',
    });
  }
  const nodes = permitted.filter((line) => !/\*:\* m$/.test(line));
  return said(TOPIC, {
    name,
    value: nodes.length === 0 ? 'none' : listed(nodes, 4),
    meaning: 'no other device can be opened, whatever nodes there are',
  });
}

function pathLine(cgroups: readonly CgroupFacts[]): Line {
  const v2 = cgroups.find(({ version }) => version === 2);
  const v1 = cgroups.filter(({ version }) => version === 1);
  const version = v1.length === 0 ? 'v2' : v2 === undefined ? 'v1' : 'v1 (with v2 mounted)';
  const main = v1.find(({ controllers }) => controllers.includes('pids')) ?? v1[0] ?? v2;
  const meaning = 'limits of it and of those above it hold';
  return said(TOPIC, { name: 'path', value: `${version}: ${main?.path ?? 'none'}`, meaning });
}

export function cgroupLines({ cgroups }: ProcessFacts): Line[] {
  if ('unread' in cgroups) return [untold(TOPIC, 'path', cgroups.unread)];
  const { list } = cgroups;
  if (list.length === 0) return [untold(TOPIC, 'path', 'it is in no cgroup', '')];
  // Hybrid systems mount v2 without controllers: those are in v1.
  const v1 = list.filter(({ version }) => version === 1);
  const limiting = v1.some(({ controllers }) => controllers.includes('memory')) ? v1 : list;
  return [pathLine(list), ...LIMITS.map((one) => limitLine(one, limiting)), devicesLine(list)];
}
