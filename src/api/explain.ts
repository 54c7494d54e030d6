/** What a call does and what denying it would break. No I/O. */
import { explainCall, explanationLines } from '../explain';
import type { ProfileInput } from './profile';
import type { Abi } from './recording';
import { sideOf } from './side';

/**
 * What is known of a call.
 *
 * @public
 */
export interface Explanation {
  /** Of this shape. */
  readonly version: 1;
  /** Its name. */
  readonly call: string;
  /** One sentence. */
  readonly summary: string;
  /** Those of x32 without bit 30. */
  readonly numbers: readonly { readonly abi: Abi; readonly number: number }[];
  /** null: not among those that need a reason to be in a profile. Tier 1 is the gravest. */
  readonly risk: { readonly tier: 1 | 2 | 3; readonly reason: string } | null;
  /** CVEs whose exploits make it. */
  readonly cves: readonly string[];
  /** All of it in words: its rule in the profile, who needs it, what does the same. Untrusted in part. */
  readonly lines: readonly string[];
}

/**
 * What a call does, its rule in a profile in words, why it is there, and what denying it would break.
 *
 * @param call - Its name.
 * @param profile - Where to look it up; with its evidence, the reasons are told as well.
 * @throws {@link SysieveError} of kind `input` for a name that no ABI has (with the nearest that one has).
 *
 * @example
 * ```ts
 * import { explain } from 'sysieve';
 *
 * console.log(explain('unshare').lines.join('\n'));
 * ```
 *
 * @public
 */
export function explain(call: string, profile?: ProfileInput): Explanation {
  const side = profile === undefined ? null : sideOf(profile);
  const found = explainCall(call, side, {
    machine: side?.machine ?? 'x86_64',
    capabilities: null,
  });
  return {
    version: 1,
    call: found.call,
    summary: found.summary,
    numbers: found.numbers,
    risk: found.risk,
    cves: found.cves.map(({ id }) => id),
    lines: explanationLines(found, WIDTH).map(({ text }) => text),
  };
}

const WIDTH = 80;
