/** A finding before it is known where it holds, and how those that are alike become one. */
import { type Finding, fingerprint } from '../review';
import type { Side } from './side';
import type { AnswerEffect } from './taken-apart';

/** Without what only the set of contexts tells. */
export type Draft = Omit<Finding, 'contexts' | 'fingerprint' | 'waiver'>;

export interface Sides {
  readonly before: Side;
  readonly after: Side;
}

export function messageOf(
  name: string,
  effect: AnswerEffect,
  before: string,
  after: string,
  values: readonly string[] | null,
): string {
  const subject = values === null ? name : `${name} with ${values.join('; or ')}`;
  switch (effect) {
    case 'widens':
      return `${subject} may pass (${after}); it was answered with ${before}`;
    case 'narrows':
      return `${subject} is answered with ${after}; it passed (${before})`;
    case 'denial':
    case 'handling':
      return `${subject} is answered with ${after} instead of ${before}`;
  }
}

/**
 * Drafts of one call that hold in different contexts and differ only in how the call is refused there
 * are one; null: these two are not.
 */
export function mergedDraft(a: Draft, b: Draft): Draft | null {
  if (a.effect !== b.effect || a.call === null || a.rule !== b.rule) return null;
  const join = (x: string | null, y: string | null) =>
    x === y ? x : [...new Set(`${x} or ${y}`.split(' or '))].sort().join(' or ');
  const before = a.effect === 'widens' ? join(a.before, b.before) : a.before;
  const after = a.effect === 'narrows' ? join(a.after, b.after) : a.after;
  const values = a.effect === 'narrows' ? a.values?.removed : a.values?.added;
  return {
    ...a,
    before,
    after,
    message: messageOf(a.call, a.effect as AnswerEffect, before ?? '', after ?? '', values ?? null),
  };
}

/** The same for drafts that `mergedDraft` makes one. */
export function mergeKey(draft: Draft): string {
  const { place: _, witness: __, message: ___, before, after, ...rest } = draft;
  return JSON.stringify([
    rest,
    draft.effect === 'widens' ? null : before,
    draft.effect === 'narrows' ? null : after,
  ]);
}

/** What stays the same when lines move; `label`: of the contexts it holds in. */
export function fingerprintOf(draft: Draft, label: string): string {
  const { rule, effect, abi, call, before, after, values } = draft;
  return fingerprint([
    rule,
    effect,
    abi,
    call,
    before,
    after,
    values === null ? null : [...values.added, '-', ...values.removed].join('\n'),
    label,
  ]);
}
