/** Whether an app passes its check, after waivers. */
import { type Finding, NOTHING } from '../review';
import { finding } from './finding';
import type { Compared } from './types';
import { countUnused } from './unused';

export interface Judged extends Compared {
  readonly passed: boolean;
  /** Unused calls that are not waived. */
  readonly unusedCalls: number;
  /** All findings, the most severe first. */
  readonly findings: readonly Finding[];
}

/** `maxUnused`: null is no limit: what is unused is told, and no reason to fail. */
export function judge(app: string, compared: Compared, maxUnused: number | null): Judged {
  const { missing, unused } = compared;
  const unusedCalls = countUnused(unused);
  const over = maxUnused !== null && unusedCalls > maxUnused;
  const limit = over
    ? [
        finding(app, {
          ...NOTHING,
          rule: 'check-unused-limit',
          severity: 'high',
          message:
            `${app}: the profile permits ${unusedCalls} ${unusedCalls === 1 ? 'call' : 'calls'} ` +
            `that it was not seen to need, and at most ${maxUnused} are accepted`,
          place: unused[0]?.place ?? null,
        }),
      ]
    : [];
  const told = unused.map((one): Finding => (over ? { ...one, severity: 'medium' } : one));
  return {
    ...compared,
    passed: !over && missing.every(({ waiver }) => waiver !== null),
    unusedCalls,
    unused: told,
    findings: [...missing, ...limit, ...told],
  };
}
