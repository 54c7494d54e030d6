/** How a line is made. */
import type { Severity } from '../review';
import type { Line, Topic } from './types';

export interface Said {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

export interface Wrong extends Said {
  readonly rule: string;
  readonly severity: Severity;
  readonly remedy: string;
  readonly key?: readonly string[];
}

/** As it should be, or nothing to judge. */
export function said(topic: Topic, { name, value, meaning }: Said): Line {
  return { topic, name, value, meaning, known: true, remedy: null, finding: null };
}

export function found(topic: Topic, line: Wrong): Line {
  const { name, value, meaning, rule, severity, remedy, key = [] } = line;
  const finding = { rule: `inspect-${rule}`, severity, key };
  return { topic, name, value, meaning, remedy, known: true, finding };
}

const AS_ROOT = 'Run sysieve as root on the host, with CAP_SYS_PTRACE';

export function untold(topic: Topic, name: string, reason: string, remedy = AS_ROOT): Line {
  return {
    topic,
    name,
    value: `cannot tell: ${reason}`,
    known: false,
    meaning: 'this says neither that it is well nor that it is not',
    remedy,
    finding: null,
  };
}

/** At most so many, and how many more there are. */
export function listed(items: readonly string[], limit = 6): string {
  const more = items.length - limit;
  return items.slice(0, limit).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
