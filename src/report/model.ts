/** From recordings, a profile with its evidence, and another profile to what a report says of them. */
import { diff, type Side } from '../diff';
import type { Subject } from '../explain';
import type { RuleCost } from '../minimise';
import type { Recording } from '../recording';
import { abisOfMachine, type Machine, machineOfArchitectures } from '../tables';
import { listed } from './calls';
import { completenessOf } from './completeness';
import { asked, permitsOf, type Where } from './permits';
import { ruleRows } from './rules';
import { discoveryOf, inOrder, recordedRuns, seenCalls, targetText } from './seen';
import type { Cost, Model } from './types';

export interface Input {
  readonly tool: Model['tool'];
  /** null: one is made of what is reported on. */
  readonly title: string | null;
  /** As the user named them. */
  readonly sources: readonly string[];
  /** The union of all that were given; null: none was. */
  readonly recording: Recording | null;
  readonly profile: {
    readonly side: Side;
    readonly origin: 'given' | 'made';
  } | null;
  /** Why there is no profile; null where there is one. */
  readonly withoutProfile: string | null;
  /** An engine's default, and what to call it. */
  readonly standard: { readonly side: Side; readonly label: string };
  readonly against: Side | null;
  /** Of the argument rules; a text: why they are not known. */
  readonly costs: readonly RuleCost[] | string;
  readonly notes: readonly string[];
}

/** A kernel with all that the gates of the known defaults ask for: Docker's want 4.8. */
const KERNEL = '6.1';

function subjectOf(side: Side): Subject {
  if (side.kind !== 'profile') return side;
  const { kind, label, profile, engine, evidence } = side;
  return { kind, label, profile, engine, evidence };
}

function machineOf({ profile, recording }: Input): Machine {
  const side = profile?.side;
  if (side !== undefined && side.kind !== 'profile') return side.live.machine;
  if (side !== undefined) return machineOfArchitectures(side.profile.value.architectures);
  const machine = recording?.runs[0]?.host.machine ?? 'x86_64';
  return abisOfMachine(machine)?.[0] === 'aarch64' ? 'aarch64' : 'x86_64';
}

function kernelOf({ profile, recording }: Input): string {
  const side = profile?.side;
  if (side !== undefined && side.kind !== 'profile') return side.live.kernelVersion;
  const kernels = (recording?.runs ?? []).map(({ host }) => host.kernel).sort();
  const found = /^\d{1,3}\.\d{1,3}/.exec(kernels.at(-1) ?? '');
  return found?.[0] ?? KERNEL;
}

/** What is told apart by more than its end, such as `default:docker`, stays whole. */
function fileName(label: string): string {
  return label.includes(':') ? label : (label.split('/').at(-1) ?? label);
}

/** The one target or image of the runs, else the name of what was given. */
function titleOf({ title, recording, profile, sources }: Input): string {
  if (title !== null) return title;
  const targets = [...new Set((recording?.runs ?? []).map(targetText))];
  if (targets.length === 1 && targets[0] !== undefined) return targets[0];
  if (profile?.origin === 'given') return fileName(profile.side.label);
  return sources.join(', ');
}

function costOf({ costs }: Input): Cost {
  if (typeof costs === 'string') return { known: false, reason: costs };
  return {
    known: true,
    callsPerSecond: costs.reduce((sum, one) => sum + one.callsPerSecond, 0),
    nsPerSecond: costs.reduce((sum, one) => sum + one.nsPerSecond, 0),
  };
}

/** Throws a SysieveError for profiles that mean nothing certain, or cannot be compared. */
export function reportOf(input: Input): Model {
  const { recording, profile, against, costs, standard } = input;
  const runs = inOrder(recording?.runs ?? []);
  const where: Where = { machine: machineOf(input), kernelVersion: kernelOf(input) };
  const filter = profile === null ? null : asked(subjectOf(profile.side), where);
  const evidence = profile?.side.kind === 'profile' ? profile.side.evidence : null;
  const { places, ...lists } = listed({
    seen: seenCalls(runs),
    evidence: evidence?.calls ?? [],
    asked: filter,
    machine: where.machine,
  });
  return {
    version: 1,
    tool: input.tool,
    title: titleOf(input),
    sources: input.sources,
    machine: where.machine,
    runs: recordedRuns(runs),
    profile: profile === null ? null : { label: profile.side.label, origin: profile.origin },
    withoutProfile: input.withoutProfile,
    permits:
      filter === null
        ? null
        : permitsOf(
            filter,
            { asked: asked(subjectOf(standard.side), where), label: standard.label },
            where,
          ),
    cost: filter === null ? null : costOf(input),
    discovery: recording === null ? null : discoveryOf(recording),
    ...lists,
    rules:
      filter === null
        ? []
        : ruleRows({
            asked: filter,
            machine: where.machine,
            evidence: evidence?.calls ?? [],
            costs: typeof costs === 'string' ? [] : costs,
            places,
          }),
    leftOut: evidence?.excluded ?? [],
    justifications: Object.entries(evidence?.justifications ?? {}).map(([name, reason]) => ({
      name,
      reason,
    })),
    completeness: runs.length === 0 ? null : completenessOf(runs),
    diff: against === null || profile === null ? null : diff(against, profile.side),
    notes: input.notes,
  };
}
