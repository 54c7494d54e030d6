/**
 * Records of the kernel's audit log, as auditd, journald, dmesg and `ausearch -i` have them: SECCOMP
 * (1326), by filters that log or kill, and SYSCALL (1300), by audit rules. All other records are passed
 * over and counted. Rules and rate limits leave calls out without a trace, so no run of these is
 * complete; what the kernel says that it dropped is counted.
 */
import { type Abi, abiOfCall, auditArch, syscallNumber, X32_BIT } from '../tables';
import { Log, MOST_CHARACTERS } from './logged';
import type { Importer, ImportOptions } from './types';

const RECORD =
  /(?:^|[\s:])(?:type=([A-Z0-9_]{1,32}|\d{4}|UNKNOWN\[\d{4}\])\s+(?:msg=)?)?audit\(([^):]{1,64}(?::\d\d){0,2}(?:[.,]\d{1,6})?):(\d{1,12})\):?\s(.*)$/s;
const SECCOMP: ReadonlySet<string> = new Set(['SECCOMP', '1326']);
const SYSCALL: ReadonlySet<string> = new Set(['SYSCALL', '1300']);

const ABIS: Readonly<Record<string, Abi>> = {
  x86_64: 'x86_64',
  i386: 'i386',
  i686: 'i386',
  aarch64: 'aarch64',
  arm: 'arm',
  armeb: 'arm',
};

/** SECCOMP_RET_*: what the filter answered. */
const ERRNO = 0x00050000;
const RUNS: ReadonlySet<number> = new Set([0x7fff0000, 0x7ffc0000]);
const KILLS: ReadonlySet<number> = new Set([0x80000000, 0x00000000, 0x00030000]);

/** name=value, name="value"; in an encoded value each byte is two hexadecimal digits. */
function fields(text: string): Map<string, string> {
  const made = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(
    /([a-z0-9_-]{1,32})=(?:"([^"]*)"|(\S*))/gi,
  )) {
    if (!made.has(name)) made.set(name, quoted ?? plain ?? '');
  }
  return made;
}

function text(found: ReadonlyMap<string, string>, name: string, raw: string): string | null {
  const value = found.get(name);
  if (value === undefined || value === '(null)' || value === '?') return null;
  const quoted = raw.includes(`${name}="`);
  // Untrusted bytes are written so: control characters, quotes, what is not ASCII.
  if (!quoted && /^(?:[0-9A-F]{2})+$/.test(value))
    return Buffer.from(value, 'hex').toString('utf8');
  return value;
}

interface Place {
  abi: Abi;
  number: number;
}

function placeOf(found: ReadonlyMap<string, string>): Place | null {
  const arch = found.get('arch') ?? '';
  const call = found.get('syscall') ?? '';
  const audit = /^[0-9a-f]{8}$/.test(arch) ? Number.parseInt(arch, 16) : null;
  const named = Object.hasOwn(ABIS, arch) ? (ABIS[arch] as Abi) : null;
  if (/^\d{1,10}$/.test(call)) {
    const number = Number(call);
    const abi = abiOfCall(audit ?? (named === null ? 0 : auditArch(named)), number);
    return abi === null || number > 0xffffffff
      ? null
      : { abi, number: abi === 'x32' ? number % X32_BIT : number };
  }
  // Interpreted: ausearch -i.
  const number = named === null ? null : syscallNumber(named, call);
  return named === null || number === null ? null : { abi: named, number };
}

function wanted(found: ReadonlyMap<string, string>, raw: string, options: ImportOptions): boolean {
  if (options.pid !== undefined && found.get('pid') !== `${options.pid}`) return false;
  if (options.comm !== undefined && text(found, 'comm', raw) !== options.comm) return false;
  return options.exe === undefined || text(found, 'exe', raw) === options.exe;
}

/** Register values of a SYSCALL record, which has the first four. */
function registers(found: ReadonlyMap<string, string>): bigint[] | null {
  const made: bigint[] = [];
  for (const name of ['a0', 'a1', 'a2', 'a3']) {
    const value = found.get(name);
    if (value === undefined || !/^(?:0x)?[0-9a-f]{1,16}$/.test(value)) break;
    made.push(BigInt(value.startsWith('0x') ? value : `0x${value}`));
  }
  return made.length === 0 ? null : made;
}

/** Calls that a message of the kernel says were dropped; null: no such message. */
function dropped(line: string): number | null {
  const suppressed = /\b(\d{1,9}) callbacks suppressed/.exec(line);
  if (suppressed !== null && /audit|printk/.test(line)) return Number(suppressed[1]);
  const lost = /\baudit_lost=(\d{1,9}) audit_rate_limit=/.exec(line);
  if (lost !== null) return Number(lost[1]);
  return /\baudit: (?:rate limit exceeded|backlog limit exceeded)/.test(line) ? 1 : null;
}

export const audit: Importer = (inputs, options) => {
  const log = new Log();
  let others = 0;
  let elsewhere = 0;
  let unsure = 0;
  let startMs: number | null = null;
  const events = new Set<string>();
  for (const input of inputs) {
    for (const { line, number, whole } of log.read(input)) {
      // As ausearch separates events.
      if (line === '' || /^(?:----|time->.*)$/.test(line)) continue;
      const lost = dropped(line);
      if (lost !== null) {
        log.callsLost += lost;
        continue;
      }
      const record = line.length > MOST_CHARACTERS || !whole ? null : RECORD.exec(line);
      if (record === null) {
        log.skip(input.source, number);
        continue;
      }
      const [, type = '', stamp = '', serial = '', rest = ''] = record;
      const kind = SECCOMP.has(type) ? 'seccomp' : SYSCALL.has(type) ? 'syscall' : null;
      if (kind === null) {
        others += 1;
        continue;
      }
      // Behind 0x1d stands the same once more, in words.
      const raw = rest.split('\x1d', 1)[0] ?? '';
      const found = fields(raw);
      const place = placeOf(found);
      if (place === null) {
        log.skip(input.source, number);
        continue;
      }
      if (!wanted(found, raw, options)) {
        elsewhere += 1;
        continue;
      }
      // A call that a filter logs and a rule audits has both records under one serial.
      const event = `${stamp}:${serial} ${place.abi} ${place.number} ${found.get('pid')}`;
      if (kind === 'syscall' && events.has(event)) continue;
      if (kind === 'seccomp') events.add(event);
      const seconds = /^(\d{1,12})\.(\d{1,6})$/.exec(stamp);
      const ms =
        seconds === null ? null : Number(seconds[1]) * 1000 + Number(`0.${seconds[2]}`) * 1000;
      if (ms !== null) startMs ??= ms;
      const code = Number(found.get('code') ?? Number.NaN);
      const action = Number.isNaN(code) ? null : Math.floor(code / 0x10000) * 0x10000;
      let denied: number | undefined;
      if (kind === 'seccomp' && action !== null) {
        if (action === ERRNO) denied = Math.min(code % 0x10000, 4095);
        else if (KILLS.has(action)) denied = 0;
        else if (!RUNS.has(action)) unsure += 1;
      } else if (kind === 'seccomp') {
        // Before Linux 4.14 there is no code: SIGSYS says that it was killed.
        if (found.get('sig') === '31') denied = 0;
        else unsure += 1;
      }
      log.add({
        ...place,
        args: kind === 'syscall' ? registers(found) : null,
        phase: 'steady',
        executable: text(found, 'exe', raw),
        atMs: ms === null ? 0 : Math.max(0, Math.floor(ms - (startMs ?? ms))),
        ...(denied === undefined ? {} : { denied }),
      });
    }
  }
  log.attachedLate = true;
  log.blindSpots.add('audited-calls-only');
  if (others > 0) log.notes.push(`${others} records of other types, passed over`);
  if (elsewhere > 0) log.notes.push(`${elsewhere} records of other processes, passed over`);
  if (unsure > 0)
    log.notes.push(
      `${unsure} calls of which the record does not say what they were answered: taken as made`,
    );
  // Whatever a caller says: rules and rate limits stay unknown.
  const { unfiltered: _, ...known } = options;
  return log.finish('audit', inputs, known, 0);
};
