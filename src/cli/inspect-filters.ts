/** What the filters of a process mean: which known default, and against a committed profile. */
import type { SeccompState } from '../capture/seccomp';
import { diff, type FilterSide, type Live, type UnfilteredSide } from '../diff';
import { SysieveError } from '../errors';
import type { SeccompFacts } from '../inspect';
import { equal, type Policy, policyOfProfile, policyOfPrograms } from '../policy';
import { defaultVersions, gatedDefault, resolveGatedProfile } from '../profile';
import { readLive } from './live-side';
import { loadSide } from './side';

/** Who started it, as far as that decides its filters. */
export type Started = Pick<Live, 'runtime' | 'engine'>;

interface Asked {
  readonly pid: number;
  readonly label: string;
  readonly started: Started;
  readonly before: SeccompState;
  readonly flags: { readonly ptrace: boolean; readonly profile?: string };
}

interface Answer {
  readonly seccomp: SeccompFacts;
  readonly notes: readonly string[];
}

const TITLES = { docker: 'Docker', podman: 'Podman' } as const;

/** SECCOMP_RET_ALLOW, as one instruction. */
const ALLOW = Buffer.from('060000000000ff7f', 'hex');

function meansDefault(
  engine: 'docker' | 'podman',
  version: string,
  { policy, live }: FilterSide,
): boolean {
  const { machine, capabilities, kernelVersion, runtime } = live;
  const { profile } = gatedDefault(engine, version);
  const resolved = resolveGatedProfile(profile, {
    engine,
    engineVersion: engine === 'docker' ? version : undefined,
    capabilities,
    kernelVersion,
    architecture: machine,
  });
  // Without a known runtime either may have compiled it.
  const runtimes = runtime === null ? (['runc', 'crun'] as const) : [runtime];
  return runtimes.some((one) =>
    equal(policyOfProfile(resolved, { runtime: one, machine }), policy),
  );
}

/** The one of the engine itself, or else the newest that means the same. */
function equivalentOf(side: FilterSide): string | null {
  const { engine } = side.live;
  if (engine?.version != null) {
    try {
      if (meansDefault(engine.name, engine.version, side)) {
        return `${TITLES[engine.name]} ${engine.version}, which runs it`;
      }
    } catch (error) {
      // A release before those that are known.
      if (!(error instanceof SysieveError)) throw error;
    }
  }
  for (const { engine: name, first, last } of defaultVersions().reverse()) {
    if (!meansDefault(name, last, side)) continue;
    const title = name === 'docker' ? 'Docker' : 'Podman with containers/common';
    return first === last ? `${title} ${first}` : `${title} ${first} to ${last}`;
  }
  return null;
}

function filtersOf(side: FilterSide | UnfilteredSide): SeccompFacts['filters'] {
  if (side.kind === 'unfiltered') return null;
  const open: Policy = policyOfPrograms([ALLOW]);
  const permitsAll = equal(side.policy, open);
  return { permitsAll, equivalent: permitsAll ? null : equivalentOf(side) };
}

async function compare(
  spec: string,
  side: FilterSide | UnfilteredSide,
): Promise<NonNullable<SeccompFacts['compared']>> {
  const profile = await loadSide(spec);
  const { verdict, headlines, findings } = diff(profile, side);
  return {
    profile: profile.label,
    verdict: verdict ?? 'identical',
    differences: [...headlines, ...findings.map(({ message }) => message.replace(/\.$/, ''))],
  };
}

/** Of what cannot be read the reason is in the facts. */
export async function readSeccomp({ pid, label, started, before, flags }: Asked): Promise<Answer> {
  const { mode, otherThreads } = before;
  const none = { mode, otherThreads, filters: null, unread: null, compared: null };
  const unread = (why: string): Answer => ({
    seccomp: { ...none, unread: why },
    notes: flags.profile === undefined ? [] : [`not compared with ${flags.profile}: ${why}`],
  });
  if (mode === 'strict') return unread('strict mode has no filter');
  if (mode === 'filter' && !flags.ptrace) return unread('--no-ptrace was given');
  let side: FilterSide | UnfilteredSide;
  try {
    side = readLive(pid, label, started.runtime, started.engine);
  } catch (error) {
    if (!(error instanceof SysieveError) || error.code === 'process-not-found') throw error;
    return unread(`${error.message}${error.reason === undefined ? '' : ` (${error.reason})`}`);
  }
  const compared = flags.profile === undefined ? null : await compare(flags.profile, side);
  return {
    seccomp: {
      ...none,
      mode: side.kind === 'filters' ? 'filter' : 'none',
      filters: filtersOf(side),
      compared,
    },
    notes: [],
  };
}
