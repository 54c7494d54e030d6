/** What the text of a profile says apart from its filter: flags, listener. */

import { NOTHING } from '../review';
import type { Draft } from './draft';
import type { ProfileSide, Side } from './side';

export function textDrafts(before: Side, after: Side): Draft[] {
  if (before.kind !== 'profile' || after.kind !== 'profile') return [];
  return settings(before, after);
}

/** An engine's own format says nothing by an empty list, OCI does. */
function flagsOf({ profile: { format, value } }: ProfileSide): string {
  const { flags } = value;
  if (flags === undefined || (format === 'gated' && flags.length === 0)) return "the runtime's own";
  return [...flags].sort().join(', ') || 'none';
}

function settings(before: ProfileSide, after: ProfileSide): Draft[] {
  const drafts: Draft[] = [];
  const [was, is] = [flagsOf(before), flagsOf(after)];
  if (was !== is) {
    drafts.push({
      ...NOTHING,
      rule: 'flags-changed',
      severity: 'low',
      effect: 'none',
      before: was,
      after: is,
      message: `the filter's flags are ${is} instead of ${was}`,
      place: after.places(['flags']),
    });
  }
  for (const key of ['listenerPath', 'listenerMetadata'] as const) {
    const old = before.profile.value[key] ?? '';
    const now = after.profile.value[key] ?? '';
    if (old === now) continue;
    drafts.push({
      ...NOTHING,
      rule: 'listener-changed',
      severity: 'medium',
      effect: 'none',
      before: old || 'none',
      after: now || 'none',
      message: `${key} is ${now || 'none'} instead of ${old || 'none'}`,
      reason: 'the listener decides over the calls that are answered with notify',
      place: after.places([key]),
    });
  }
  return drafts;
}
