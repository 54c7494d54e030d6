/** The evidence beside merged profiles: every reason of every part for what the whole permits. */
import {
  EVIDENCE_VERSION,
  type Evidence,
  type EvidenceAlternative,
  type EvidenceCall,
  WHYS,
} from '../profile';
import { Phase } from '../recording';
import { compareAnswers } from './answers';

function union<T extends string>(a: readonly T[], b: readonly T[], order: readonly T[] = []): T[] {
  const place = (value: T) => (order.indexOf(value) + order.length + 1) % (order.length + 1);
  return [...new Set([...a, ...b])].sort(
    (x, y) => place(x) - place(y) || (x < y ? -1 : Number(x > y)),
  );
}

const PHASES: readonly string[] = Phase.options;

function reasons<T extends Pick<EvidenceCall, 'why' | 'executables' | 'phases'>>(a: T, b: T) {
  return {
    why: union(a.why, b.why, WHYS),
    executables: union(a.executables, b.executables),
    phases: union(a.phases, b.phases, PHASES),
  };
}

/** Texts of both, in one order; a text that was joined before is taken apart again. */
function joined(a: string, b: string, separator: string): string {
  return union(a.split(separator), b.split(separator)).join(separator);
}

function alternatives(a: EvidenceCall, b: EvidenceCall): EvidenceAlternative[] | undefined {
  // Permitted with all arguments by one of them: by the whole, too.
  if (a.alternatives === undefined || b.alternatives === undefined) return undefined;
  const found = new Map<string, EvidenceAlternative>();
  for (const one of [...a.alternatives, ...b.alternatives]) {
    const key = JSON.stringify(one.args);
    const known = found.get(key);
    found.set(key, known === undefined ? one : { ...one, ...reasons(known, one) });
  }
  return [...found].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, one]) => one);
}

function answerOf({ action, errnoRet }: EvidenceCall) {
  return { action, data: errnoRet ?? 0 };
}

function mergeCalls(a: EvidenceCall, b: EvidenceCall): EvidenceCall {
  const order = compareAnswers(answerOf(a), answerOf(b));
  // What one part denies and another permits is permitted: only the latter's reasons hold.
  if (order !== 0) return order > 0 ? a : b;
  const both = alternatives(a, b);
  const { alternatives: _, note: __, ...call } = a;
  const note = [a.note, b.note].filter((text) => text !== undefined);
  return {
    ...call,
    ...reasons(a, b),
    ...(both === undefined ? {} : { alternatives: both }),
    ...(note.length === 0
      ? {}
      : { note: note.reduce((x, y) => joined(x, y, ' | ')).slice(0, 1024) }),
  };
}

/** Between the texts that people wrote in different files about one call. */
const BETWEEN = '\n---\n';

/** Associative, commutative and idempotent, up to the order of the lists. */
export function mergeEvidence(parts: readonly Evidence[]): Evidence {
  const calls = new Map<string, EvidenceCall>();
  const excluded = new Map<string, Evidence['excluded'][number]>();
  const justifications: Record<string, string> = {};
  for (const part of parts) {
    for (const call of part.calls) {
      const key = `${call.abi} ${call.name}`;
      const known = calls.get(key);
      calls.set(key, known === undefined ? call : mergeCalls(known, call));
    }
    for (const one of part.excluded) excluded.set(JSON.stringify(one), one);
    for (const [name, text] of Object.entries(part.justifications)) {
      const known = justifications[name];
      justifications[name] = known === undefined ? text : joined(known, text, BETWEEN);
    }
  }
  return {
    version: EVIDENCE_VERSION,
    calls: [...calls.values()],
    // What one part left out and another permits with all arguments is not left out.
    excluded: [...excluded.values()].filter(({ abi, name, values }) => {
      const call = calls.get(`${abi} ${name}`);
      const permitted = call?.action === 'SCMP_ACT_ALLOW';
      return !permitted || (values !== null && call.alternatives !== undefined);
    }),
    justifications,
  };
}
