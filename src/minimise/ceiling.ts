/** runc's answer to numbers above those a profile names, where libseccomp hides a number from it. */
import { largestOf, multiplexed } from '../policy';
import { ABIS, FALLBACKS, syscallNumber } from '../tables';
import { permitted, permittedAbis, withEntries } from './entries';
import type { Pass } from './types';

/**
 * runc reckons with the numbers libseccomp gives for the names listed, and for i386's calls of
 * sockets and SysV IPC those are negative, though they have numbers too since Linux 4.3 and 5.1:
 * named alone they are answered ENOSYS.
 */
export const ceiling: Pass = {
  name: 'ceiling',
  about: 'a higher number is named where runc would answer ENOSYS to i386 calls of sockets or IPC',
  off: 'under runc those i386 calls may be answered ENOSYS although they are permitted',
  run(state, { options }) {
    if (options.defaultAction === 'log') return { state, findings: {} };
    const numberOf = (name: string): number => syscallNumber('i386', name) ?? -1;
    const listed = [...state.entries.values()].map(({ name }) => name);
    const largest = largestOf(listed, 'i386');
    const hidden = permitted(state)
      .filter(({ abi, name }) => abi === 'i386' && multiplexed(name) !== null)
      .map(({ name }) => name)
      .filter((name) => numberOf(name) > largest);
    if (hidden.length === 0) return { state, findings: {} };
    const needed = Math.max(...hidden.map(numberOf));
    // What is not listed and above it; the lowest is known to the most libseccomps.
    const higher = FALLBACKS.map(({ name }) => name)
      .filter((name) => numberOf(name) > needed && !listed.includes(name))
      .sort((a, b) => numberOf(a) - numberOf(b))[0];
    if (higher === undefined) return { state, findings: {} };
    const reason = `runc answers ENOSYS above the largest number named, and ${hidden
      .sort()
      .join(', ')} would be`;
    const abis = permittedAbis(state);
    const added = ABIS.filter((abi) => abis.has(abi) && syscallNumber(abi, higher) !== null);
    return {
      state: withEntries(
        state,
        added.map((abi) => ({ abi, name: higher, answer: 'enosys', why: 'fallback' })),
      ),
      findings: { added: added.map((abi) => ({ abi, name: higher, reason })) },
    };
  },
};
