/** What all findings of a check have in common. */
import { type Finding, fingerprint } from '../review';

export type Draft = Pick<
  Finding,
  | 'rule'
  | 'severity'
  | 'abi'
  | 'call'
  | 'before'
  | 'after'
  | 'values'
  | 'witness'
  | 'message'
  | 'reason'
> &
  Pick<Finding, 'cves' | 'evidence' | 'place'>;

/** A waiver is for one app: what it accepts there says nothing about another. */
export function finding(app: string, draft: Draft): Finding {
  const { rule, abi, call, before, values } = draft;
  return {
    ...draft,
    effect: 'none',
    contexts: [],
    fingerprint: fingerprint([rule, app, abi, call, before, values?.added.join('\n') ?? null]),
    waiver: null,
  };
}
