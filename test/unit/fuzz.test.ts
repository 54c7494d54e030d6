/**
 * The parsers on mutated documents: nothing but a document or a SysieveError of kind input comes
 * out, soon; what is accepted is written and read again as the same. SYSIEVE_SOAK=1 for a million.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import { readJson } from '../../src/json';
import { parseBaseline } from '../../src/minimise';
import {
  canonicalProfile,
  parseEvidence,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from '../../src/profile';
import { canonicalRecording, parseRecording, serializeRecording } from '../../src/recording';
import { mutated } from '../support/mutate';
import { processorMs } from '../support/processor';
import { makeRecording, makeRun } from '../support/recordings';

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 1_000_000 : 20_000;
/** One document is a few kilobytes: a parser that takes longer hangs on something. */
const BOUND_MS = 2000;

interface Format {
  documents: string[];
  parse(text: string, source: string): unknown;
  /** Throws if a parsed document is not written, and read again as what it was. */
  again(document: never): void;
}

const args = {
  indexes: [0, 1],
  tuples: [
    { values: ['0x1', '0x0'], count: 2 },
    { values: ['0x2', '0xffffffff'], count: 3, phases: ['startup' as const], executables: [1] },
  ],
  overflow: 1,
  unreadable: 0,
};
const call = makeRun([{ call: 'socket', count: 9, denied: { '1': 2, '0': 1 } }]).calls[0];
if (call === undefined) throw new Error('no call');

const RECORDINGS = [
  serializeRecording(
    makeRecording(
      makeRun([
        'read',
        { call: 'clone3', denied: { '38': 2 } },
        { abi: 'i386', call: 'socketcall' },
      ]),
      makeRun(['write'], {
        id: 'aaaaaaaa',
        calls: [{ ...call, args }],
        marks: [{ phase: 'steady', atMs: 5 }],
        missed: { startsSeen: 0, attachedLate: { targetAgeMs: null }, blindSpots: ['io_uring'] },
      }),
    ),
  ),
  serializeRecording(makeRecording()),
];

const PROFILES = [
  JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    listenerPath: '/run/a.sock',
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW',
        args: [
          { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 7, valueTwo: 3, op: 'SCMP_CMP_MASKED_EQ' },
        ],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  }),
  '{"defaultAction": "SCMP_ACT_LOG"}',
];

const EVIDENCE = [
  JSON.stringify({
    version: 2,
    calls: [
      {
        abi: 'x86_64',
        name: 'socket',
        action: 'SCMP_ACT_ALLOW',
        errnoRet: null,
        why: ['observed', 'runtime'],
        executables: ['/b', '/a'],
        phases: ['startup'],
        alternatives: [
          {
            args: [{ index: 0, mask: '0xffffffff', value: '0x1' }],
            covers: 'AF_UNIX',
            why: ['observed'],
            executables: ['/a'],
            phases: ['steady'],
          },
        ],
        note: 'a note',
      },
    ],
    excluded: [{ abi: 'x86_64', name: 'bpf', values: ['0x1'], reason: 'risk tier 1' }],
    justifications: { bpf: 'probes', ptrace: 'the crash handler' },
  }),
];

const BASELINES_DIRECTORY = join(__dirname, '../../profiles/baselines');
const BASELINES = readdirSync(BASELINES_DIRECTORY)
  .filter((name) => name.endsWith('.json'))
  .slice(0, 1)
  .map((name) => {
    const whole = JSON.parse(readFileSync(join(BASELINES_DIRECTORY, name), 'utf8'));
    for (const condition of whole.conditions) condition.calls = condition.calls.slice(0, 4);
    whole.conditions = whole.conditions.slice(0, 3);
    return JSON.stringify(whole);
  });

const FORMATS: Record<string, Format> = {
  recording: {
    documents: RECORDINGS,
    parse: parseRecording,
    again(document) {
      const written = serializeRecording(document);
      const read = parseRecording(written, 'again');
      same(read, canonicalRecording(document));
      same(serializeRecording(read), written);
    },
  },
  profile: {
    documents: PROFILES,
    parse: parseProfile,
    again(document) {
      const written = serializeProfile(document);
      const read = parseProfile(written, 'again');
      same(shown(read), shown(canonicalProfile(document)));
      same(serializeProfile(read), written);
    },
  },
  evidence: {
    documents: EVIDENCE,
    parse: parseEvidence,
    again(document) {
      const written = serializeEvidence(document);
      same(serializeEvidence(parseEvidence(written, 'again')), written);
    },
  },
  baseline: {
    documents: BASELINES,
    parse: parseBaseline,
    again(document) {
      same(parseBaseline(JSON.stringify(document), 'again'), document);
    },
  },
};

function shown(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `${item}n` : item));
}

/** As toEqual, at a fraction of its price. */
function same(seen: unknown, wanted: unknown): void {
  if (shown(seen) !== shown(wanted)) expect(seen).toEqual(wanted);
}

function natively(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** What readJson refuses although it is JSON. */
const STRICTER = /^(?:expected each key once|expected no key "__proto__"|nested too deeply)/;

function compareWithNative(text: string): void {
  const native = natively(text);
  let value: unknown;
  try {
    value = readJson(text);
  } catch (thrown) {
    if (native !== null && !STRICTER.test((thrown as Error).message)) throw thrown;
    return;
  }
  if (native === null) throw new Error('JSON.parse refuses it');
  // Numbers apart, which JSON.parse rounds.
  const numbersAside = (_key: string, item: unknown) =>
    typeof item === 'number' || typeof item === 'bigint' || isLiteral(item) ? 0 : item;
  if (JSON.stringify(value, numbersAside) !== JSON.stringify(native.value, numbersAside)) {
    throw new Error('read as another document');
  }
}

function isLiteral(item: unknown): boolean {
  return typeof item === 'object' && item !== null && item.constructor?.name === 'NumberLiteral';
}

describe.each(Object.entries(FORMATS))('%s', (_kind, { documents, parse, again }) => {
  test('survives whatever it is given', () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutated(documents), ({ text, untouched }) => {
        const start = processorMs();
        let document: unknown;
        try {
          document = parse(text, 'file');
        } catch (thrown) {
          if (!(thrown instanceof SysieveError) || thrown.kind !== 'input' || untouched)
            throw thrown;
          if (!/^file:\d+:\d+: /.test(thrown.message))
            throw new Error(`no place: ${thrown.message}`);
        }
        if (document !== undefined) {
          accepted += 1;
          again(document as never);
        }
        compareWithNative(text);
        const took = processorMs() - start;
        if (took > BOUND_MS) throw new Error(`took ${took} ms`);
      }),
      { numRuns: RUNS / 4 },
    );
    // Otherwise the second half of the property was hardly tried.
    expect(accepted).toBeGreaterThan(RUNS / 4 / 100);
  }, 3_600_000);
});
