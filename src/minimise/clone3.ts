/** clone3 takes its flags from memory, where a filter reads nothing: what that means for clone's rule. */
import { namespaceFlagNames, UNSHARE_NAMESPACES } from '../tables';
import { ruleOf } from './arguments';
import { entryKey } from './entries';
import type { Entry, Need, Pass } from './types';

/** clone3's flags that clone has too: no signal in the low byte, nothing above 32 bits. */
const SHARED_FLAGS = 0xffff_ff00n;

function asClone(need: Need): Need {
  const flags = need.values?.[0];
  return flags === undefined ? need : { ...need, values: [flags & SHARED_FLAGS] };
}

function reports(clone3: Entry): string[] {
  const who = clone3.executables.join(', ') || 'an unknown executable';
  const lines = clone3.needs.map(({ values, reason }) => {
    const made = (values?.[0] ?? 0n) & UNSHARE_NAMESPACES;
    if (values === null) return `clone3 by ${who}: ${reason}: it may have made namespaces`;
    return made === 0n ? '' : `clone3 made namespaces (${namespaceFlagNames(made)}), by ${who}`;
  });
  return [...new Set(lines.filter((line) => line !== ''))].sort();
}

export const clone3: Pass = {
  name: 'clone3',
  about: 'where clone has a rule, clone3 is answered ENOSYS: its flags lie in memory',
  off: 'clone3 stays as it was recorded and makes namespaces past the rule of clone',
  run(state, { options }) {
    const seen = [...state.entries.values()].filter(
      (entry) => entry.name === 'clone3' && entry.answer === 'allow',
    );
    if (seen.length === 0) return { state, findings: {} };
    const warnings = seen.flatMap(reports);
    if (options.allow.includes('clone3') || Object.hasOwn(options.justifications, 'clone3')) {
      warnings.push('clone3 is permitted on request: it makes namespaces past any rule of clone');
      return { state, findings: { warnings } };
    }
    const entries = new Map(state.entries);
    for (const entry of seen) {
      const key = entryKey(entry.abi, 'clone');
      const clone = entries.get(key);
      const needs = [...(clone?.needs ?? []), ...entry.needs.map(asClone)];
      entries.set(
        key,
        clone === undefined
          ? { ...entry, name: 'clone', why: ['equivalent'], needs }
          : { ...clone, needs },
      );
      entries.set(entryKey(entry.abi, 'clone3'), {
        ...entry,
        answer: 'enosys',
        why: [...entry.why, 'fallback'],
        needs: [],
      });
    }
    const clones = [...entries.values()].filter(({ name }) => name === 'clone');
    const rule = ruleOf('clone', clones, options);
    if (rule === null || rule.alternatives === null) {
      warnings.push(
        'clone3 was seen to pass and stays permitted: a filter cannot read its flags, so it can ' +
          'make namespaces; under an engine whose default filter answers ENOSYS it is not used',
      );
      return { state, findings: { warnings } };
    }
    if (seen.some(({ needs }) => needs.some((n) => ((n.values?.[0] ?? 0n) & 0x80n) !== 0n))) {
      warnings.push('clone3 made a time namespace, which clone cannot: under the profile it fails');
    }
    const added = clones.filter(({ why }) => why.length === 1 && why[0] === 'equivalent');
    return {
      state: { ...state, entries },
      findings: {
        warnings,
        added: added.map(({ abi }) => ({
          abi,
          name: 'clone',
          reason: 'what clone3 falls back to',
        })),
        removed: seen.map(({ abi }) => ({
          abi,
          name: 'clone3',
          reason: 'answered ENOSYS, so that clone and its rule are used',
        })),
        notes: ['a program that insists on clone3 fails now; --allow clone3 permits it'],
      },
    };
  },
};
