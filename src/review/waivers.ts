/** The committed list of findings that someone accepted, with a reason and a last day. */
import * as z from 'zod';
import { checkDocument, readDocument, upToDate, type Versions } from '../json';
import type { Finding } from './types';

const WAIVERS_VERSION = 1;
export const WAIVERS_VERSIONS: Versions = { current: WAIVERS_VERSION, migrations: {} };

const Day = z.string().refine(
  (text) => {
    if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
    const day = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
  },
  { error: 'expected a day as YYYY-MM-DD' },
);

const WaiversSchema = z.strictObject({
  $schema: z.string().max(4096).optional(),
  version: z.literal(WAIVERS_VERSION),
  waivers: z
    .array(
      z.strictObject({
        fingerprint: z.string().regex(/^[0-9a-f]{16}$/, 'expected the 16 hex digits of a finding'),
        reason: z.string().min(1).max(4096),
        /** The last day it holds. */
        expires: Day,
        /** For people: which finding this is. */
        finding: z.string().max(4096).optional(),
      }),
    )
    .max(10_000),
});
export type Waivers = z.infer<typeof WaiversSchema>;

export function parseWaivers(text: string, source: string): Waivers {
  const document = readDocument('waivers', text, source);
  return checkDocument(WaiversSchema, upToDate(document, WAIVERS_VERSIONS), {
    remedy: 'Give {"version": 1, "waivers": [{"fingerprint", "reason", "expires"}]}.',
  });
}

export interface Waived {
  findings: Finding[];
  /** Findings whose waiver has expired, a sentence each. */
  notes: string[];
}

/** `today`: YYYY-MM-DD, UTC. Entries about other findings belong to other profiles, and say nothing. */
export function applyWaivers(
  findings: readonly Finding[],
  { waivers }: Waivers,
  today: string,
): Waived {
  const notes = new Set<string>();
  const made = findings.map((finding): Finding => {
    const entries = waivers.filter(({ fingerprint }) => fingerprint === finding.fingerprint);
    const valid = entries.find(({ expires }) => expires >= today);
    if (valid !== undefined) {
      return { ...finding, waiver: { reason: valid.reason, expires: valid.expires } };
    }
    for (const { fingerprint, expires } of entries) {
      notes.add(`the waiver of ${fingerprint} expired on ${expires}: ${finding.message}`);
    }
    return finding;
  });
  return { findings: made, notes: [...notes] };
}

export function waiversJsonSchema(): object {
  return { title: 'sysieve waivers', ...z.toJSONSchema(WaiversSchema, { io: 'input' }) };
}
