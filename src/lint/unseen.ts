/** What the program's own files can call and no run did: an untested path may need it. */
// Not by its index, which brings zod.
import { suggestion } from '../reach/words';
import type { Draft, LintInput } from './types';

/** Only what is likely: the rest is in the evidence, and most of it is never made. */
export function unseenCalls({ evidence }: LintInput): Draft[] {
  return (evidence?.unseen ?? [])
    .filter(({ likelihood }) => likelihood === 'likely')
    .map(({ name, chain }): Draft => {
      const hint = suggestion(chain);
      return {
        rule: 'reachable-unseen',
        severity: 'note',
        call: name,
        message: `${name} is refused; no run made it, and the program can: ${chain.join(' > ')}`,
        reason:
          hint === null ? 'record what leads to it, or leave it refused' : `record it: ${hint}`,
        path: [],
      };
    });
}
