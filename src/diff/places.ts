/** Where in the files the entry stands that a finding is about. */
import type { Answer } from '../policy';
import type { Rule } from '../profile';
import type { Place } from '../review';
import type { Abi } from '../tables';
import type { Comparison } from './compare';
import type { AnswerChange } from './taken-apart';
import type { ProfileView } from './view';

const OCI_ACTIONS: Record<Answer['action'], readonly string[]> = {
  allow: ['SCMP_ACT_ALLOW'],
  log: ['SCMP_ACT_LOG'],
  trace: ['SCMP_ACT_TRACE'],
  notify: ['SCMP_ACT_NOTIFY'],
  errno: ['SCMP_ACT_ERRNO'],
  trap: ['SCMP_ACT_TRAP'],
  kill_thread: ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD'],
  kill_process: ['SCMP_ACT_KILL_PROCESS'],
};

/**
 * The entry that gives the witness its new answer; else the one that gave the old; else one that gives
 * such an answer to the call, with other arguments; else the default.
 */
export function changePlace(
  { before, after }: Comparison,
  change: AnswerChange,
  name: string,
): Place | null {
  const args = change.witness.args ?? [];
  const width = change.abi === 'x86_64' || change.abi === 'aarch64' ? 64 : 32;
  const meant = ({ args: conditions }: Rule) => isMet(conditions, args, width);
  const any = () => true;
  return (
    entryPlace(after, name, change.after, meant) ??
    entryPlace(before, name, change.before, meant) ??
    entryPlace(after, name, change.after, any) ??
    entryPlace(before, name, change.before, any) ??
    defaultPlace(after) ??
    defaultPlace(before)
  );
}

function entryPlace(
  view: ProfileView | null,
  name: string,
  answers: readonly Answer[],
  wanted: (rule: Rule) => boolean,
): Place | null {
  if (view === null) return null;
  const actions = answers.flatMap(({ action }) => OCI_ACTIONS[action]);
  const rule = view.profile.syscalls.find(
    (one) => one.names.includes(name) && actions.includes(one.action) && wanted(one),
  );
  if (rule === undefined) return null;
  // A file is walked for each place; a call often changes alike under several ABIs.
  const known = PLACES.get(rule.names) ?? new Map<string, Place | null>();
  PLACES.set(rule.names, known);
  const path = ['syscalls', view.entryOf(rule), 'names', rule.names.indexOf(name)];
  const place = known.get(name) ?? view.side.places(path);
  known.set(name, place);
  return place;
}

const PLACES = new WeakMap<readonly string[], Map<string, Place | null>>();

/** An index given twice makes alternatives of the conditions, as in the runtimes. */
function isMet(conditions: Rule['args'], args: readonly bigint[], width: 32 | 64): boolean {
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  const holds = ({ index, op, value, valueTwo }: Rule['args'][number]): boolean => {
    const cut = (word: bigint) => BigInt.asUintN(width, word);
    const [word, wanted] = [cut(args[index] ?? 0n), cut(value)];
    switch (op) {
      case 'SCMP_CMP_EQ':
        return word === wanted;
      case 'SCMP_CMP_NE':
        return word !== wanted;
      case 'SCMP_CMP_LT':
        return word < wanted;
      case 'SCMP_CMP_LE':
        return word <= wanted;
      case 'SCMP_CMP_GE':
        return word >= wanted;
      case 'SCMP_CMP_GT':
        return word > wanted;
      case 'SCMP_CMP_MASKED_EQ':
        return (word & wanted) === (cut(valueTwo) & wanted);
    }
  };
  return repeated ? conditions.some(holds) : conditions.every(holds);
}

function defaultPlace(view: ProfileView | null): Place | null {
  return view?.side.places(['defaultAction']) ?? null;
}

export function foldPlace(
  { rule, abi }: { readonly rule: string; readonly abi: Abi | null },
  { before, after }: Comparison,
): Place | null {
  if (rule === 'architecture-added') return archPlace(after, abi);
  if (rule === 'architecture-removed') return archPlace(before, abi);
  return rule.startsWith('default') ? (defaultPlace(after) ?? defaultPlace(before)) : null;
}

function archPlace(view: ProfileView | null, abi: Abi | null): Place | null {
  if (view === null || abi === null) return null;
  const { value, format } = view.side.profile;
  const key = format === 'gated' && value.archMap.length > 0 ? 'archMap' : 'architectures';
  return view.side.places([key]);
}
