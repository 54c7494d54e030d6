import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import {
  type Call,
  canonicalRecording,
  mergeRecordings,
  Phase,
  parseRecording,
  type Recording,
  type Run,
  recordingJsonSchema,
  serializeRecording,
} from '../../src/recording';
import { ABIS, names } from '../../src/tables';
import { makeCall, makeRecording, makeRun } from '../support/recordings';

const good = makeRecording(
  makeRun(['read', { call: 'mkdir', count: 3, denied: { '1': 2 } }, { call: 400 }]),
);
const text = serializeRecording(good);

function failure(input: string): SysieveError {
  try {
    parseRecording(input, 'rec.json');
  } catch (thrown) {
    if (thrown instanceof SysieveError) return thrown;
    throw thrown;
  }
  throw new Error('was accepted');
}

/** The good recording with one part changed. */
function broken(change: (document: { version: unknown; runs: Run[] }) => void): string {
  const document = JSON.parse(text) as { version: unknown; runs: Run[] };
  change(document);
  return JSON.stringify(document, null, 1);
}

function call(document: { runs: Run[] }, index = 0): Record<string, unknown> {
  return document.runs[0]?.calls[index] as unknown as Record<string, unknown>;
}

const MALFORMED: [what: string, input: string, code: string, says: string][] = [
  ['an empty file', '', 'recording-truncated', 'rec.json:1:1: the file is empty'],
  ['only spaces', ' \n\n', 'recording-truncated', 'empty'],
  [
    'cut in a string',
    text.slice(0, text.indexOf('"name": "sysieve"') + 12),
    'recording-truncated',
    'ends too early',
  ],
  ['cut after a comma', '{"version": 1,', 'recording-truncated', 'rec.json:1:15'],
  ['cut in a word', '{"version": nul', 'recording-truncated', 'ends too early'],
  ['cut in an escape', '{"version": "\\u00', 'recording-truncated', 'ends too early'],
  [
    'cut at half its length',
    text.slice(0, text.length / 2),
    'recording-truncated',
    'ends too early',
  ],
  ['binary', '\u0000\u0001\u0002', 'recording-syntax', 'rec.json:1:1'],
  ['text', 'hello\n', 'recording-syntax', 'rec.json:1:1: not JSON'],
  ['a stray comma', '{\n  "version": 1,,\n}', 'recording-syntax', 'rec.json:2:16'],
  ['text after the end', '{"version": 1, "runs": []}\n}', 'recording-syntax', 'rec.json:2:1'],
  [
    'a key twice',
    '{"version": 1,\n "runs": [], "version": 2}',
    'recording-duplicate-key',
    'rec.json:2:14: expected each key once, found "version" again',
  ],
  ['nesting without end', '['.repeat(100_000), 'recording-syntax', 'nested too deeply'],
  ['an array', '[]', 'recording-schema', 'the document: '],
  ['no version', '{"runs": []}', 'recording-schema', 'version'],
  [
    'a newer version',
    '{"version": 2,\n "runs": [], "new": 1}',
    'recording-version',
    'rec.json:1:13: recording of version 2',
  ],
  ['an older version', '{"version": 0, "runs": []}', 'recording-schema', 'version'],
  ['no runs', '{"version": 1}', 'recording-schema', 'runs'],
  [
    'an unknown field',
    '{"version": 1,\n"runs": [],\n"extra": 3}',
    'recording-schema',
    'rec.json:3:1: not a recording: extra: no such key',
  ],
  [
    'an unknown ABI',
    broken((d) => {
      call(d).abi = 'mips';
    }),
    'recording-schema',
    'runs[0].calls[0].abi',
  ],
  [
    'a negative count',
    broken((d) => {
      call(d).count = -1;
    }),
    'recording-schema',
    'runs[0].calls[0].count',
  ],
  [
    'a fractional count',
    broken((d) => {
      call(d).count = 1.5;
    }),
    'recording-schema',
    'runs[0].calls[0].count',
  ],
  [
    'a count past 2^53',
    text.replace('"count":3', '"count":9007199254740993'),
    'recording-schema',
    '.count',
  ],
  [
    'a number too large',
    broken((d) => {
      call(d).number = 2 ** 32;
    }),
    'recording-schema',
    'calls[0].number',
  ],
  [
    'an unknown phase',
    broken((d) => {
      call(d).phases = ['warmup'];
    }),
    'recording-schema',
    'phases[0]',
  ],
  [
    'a run id with a path',
    broken((d) => {
      (d.runs[0] as Run).id = '../../etc';
    }),
    'recording-schema',
    'runs[0].id',
  ],
  [
    'no start time',
    broken((d) => {
      (d.runs[0] as Run).start = 'yesterday';
    }),
    'recording-schema',
    'runs[0].start',
  ],
  [
    'a path too long',
    broken((d) => {
      (d.runs[0] as Run).executables = ['x'.repeat(4097)];
    }),
    'recording-schema',
    'executables[0]',
  ],
  [
    'a wrong name',
    broken((d) => {
      call(d).name = 'write';
    }),
    'recording-schema',
    'x86_64 0 is read, not "write"',
  ],
  [
    'a name that is none',
    broken((d) => {
      call(d, 2).name = 'rm -rf';
    }),
    'recording-schema',
    'not a name of a call',
  ],
  [
    'a known name at another number',
    broken((d) => {
      call(d, 2).name = 'read';
    }),
    'recording-schema',
    'read has number 0, not 400',
  ],
  [
    'more denied than attempts',
    broken((d) => {
      call(d, 1).count = 1;
    }),
    'recording-schema',
    '2 of 1 attempts',
  ],
  [
    'errnos that do not add up',
    broken((d) => {
      call(d, 1).denied = { count: 2, errnos: { '1': 1 } };
    }),
    'recording-schema',
    'sum up to 1',
  ],
  [
    'too few values of a denied call',
    broken((d) => {
      const tuples = [{ values: ['0x1'], count: 2 }];
      const args = { indexes: [0, 1], tuples, overflow: 0, unreadable: 0 };
      call(d, 1).denied = { count: 2, errnos: { '1': 2 }, args };
    }),
    'recording-schema',
    'calls[1].denied.args.tuples[0].values',
  ],
  [
    'an executable that is not there',
    broken((d) => {
      call(d).executables = [7];
    }),
    'recording-schema',
    'calls[0].executables[0]',
  ],
  [
    'a call twice',
    broken((d) => {
      d.runs[0]?.calls.push(makeCall('read'));
    }),
    'recording-schema',
    'x86_64 0 is listed twice',
  ],
  [
    'a run twice',
    broken((d) => {
      d.runs.push(d.runs[0] as Run);
    }),
    'recording-schema',
    'is there twice',
  ],
  [
    'a false complete',
    broken((d) => {
      (d.runs[0] as Run).completeness.callsLost = 1;
    }),
    'recording-schema',
    'completeness.complete: says true',
  ],
  [
    'values for no argument',
    broken((d) => {
      call(d).args = {
        indexes: [],
        tuples: [{ values: ['0x1'], count: 1 }],
        overflow: 0,
        unreadable: 0,
      };
    }),
    'recording-schema',
    '1 values for 0 tracked',
  ],
];

test.each(MALFORMED)('%s', (_what, input, code, says) => {
  const error = failure(input);
  expect(error.kind).toBe('input');
  expect(error.exitCode).toBe(3);
  expect(error.code).toBe(code);
  expect(error.message).toContain(says);
  expect(error.message).toMatch(/^rec\.json(:\d+:\d+)?: /);
});

test('a place is that of the wrong value', () => {
  const input = broken((d) => {
    call(d, 1).abi = 'mips';
  });
  const [, line, column] = /^rec\.json:(\d+):(\d+)/.exec(failure(input).message) ?? [];
  const value = input.split('\n')[Number(line) - 1]?.slice(Number(column) - 1);
  expect(value).toBe('"mips",');
});

test('a newer version says what to do', () => {
  expect(failure('{"version": 99}').remedy).toBe('Update sysieve, or record again with this one.');
});

test.each([
  ['{"defaultAction": "SCMP_ACT_ERRNO"}', 'a profile'],
  ['{"version": 2, "calls": [], "justifications": {}}', 'evidence'],
  ['{"apps": {}}', 'a config'],
])('another file of ours in its place: %s', (other, kind) => {
  const { code, remedy } = failure(other);
  expect([code, remedy]).toEqual([
    'recording-schema',
    `This looks like ${kind}: give a recording, as 'sysieve record' writes it.`,
  ]);
});

test('every cut of a recording is found to be cut', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: text.trimEnd().length - 1 }), (length) => {
      expect(failure(text.slice(0, length)).code).toBe('recording-truncated');
    }),
    { numRuns: 300 },
  );
});

test('what is not a recording is never written', () => {
  const run = makeRun(['read']);
  const lying = { ...run, completeness: { ...run.completeness, callsLost: 5 } };
  expect(() => serializeRecording(makeRecording(lying))).toThrow('completeness.complete');
});

test('control characters in paths are escaped and come back', () => {
  const path = '/tmp/\u001b[31m\u009b2J\u202e\u2028\ud800"\\';
  const written = serializeRecording(makeRecording(makeRun(['read'], { executables: [path] })));
  for (const character of '\u001b\u009b\u202e\u2028\ud800')
    expect(written).not.toContain(character);
  expect(parseRecording(written, 'x').runs[0]?.executables).toEqual([path]);
});

test('the JSON Schema says what is required', () => {
  const schema = recordingJsonSchema() as { required: string[]; additionalProperties: boolean };
  expect(schema.required).toEqual(['version', 'runs']);
  expect(schema.additionalProperties).toBe(false);
});

test('the arguments of denied calls have one order, and may be missing', () => {
  const of = (...values: string[]): string => {
    const run = makeRun(['read', { call: 'socket', denied: { '1': 2 } }]);
    const socket = run.calls[1] as Call;
    const tuples = values.map((value) => ({ values: [value, '0x1', '0x0'], count: 1 }));
    if (tuples.length > 0) {
      socket.denied.args = { indexes: [0, 1, 2], tuples, overflow: 0, unreadable: 0 };
    }
    return serializeRecording(makeRecording(run));
  };
  expect(of('0x2', '0x10')).toBe(of('0x10', '0x2'));
  expect(parseRecording(of('0x2'), 'x').runs[0]?.calls[1]?.denied.args?.tuples).toHaveLength(1);
  expect(of()).not.toMatch(/"errnos":[^}]*\},"args"/);
  expect(parseRecording(of(), 'x').runs[0]?.calls[1]?.denied).toEqual({
    count: 2,
    errnos: { '1': 2 },
  });
});

const callSpec = fc.constantFrom(...ABIS).chain((abi) =>
  fc.record({
    abi: fc.constant(abi),
    call: fc.constantFrom(...names(abi).slice(0, 8)),
    count: fc.integer({ min: 3, max: 9 }),
    denied: fc.dictionary(fc.constantFrom('0', '1', '38'), fc.constant(1)),
    phases: fc.subarray([...Phase.options]),
    executables: fc.subarray([0, 1]),
  }),
);
const runOf = (id: string) =>
  fc
    .tuple(
      fc.uniqueArray(callSpec, {
        selector: ({ abi, call: name }) => `${abi} ${name}`,
        maxLength: 6,
      }),
      fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
    )
    .map(([calls, executables]) => makeRun(calls, { id, executables }));
/** Recordings of the same few runs: each id has one content, in any order. */
const world = fc
  .tuple(...['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd'].map(runOf))
  .chain((runs) => {
    const shuffled = fc.shuffledSubarray(runs).map((some) => makeRecording(...some));
    return fc.tuple(shuffled, shuffled, shuffled);
  });

describe('merge is set union', () => {
  const bytes = (...recordings: Recording[]) => serializeRecording(mergeRecordings(recordings));

  test('commutative, associative, idempotent', () => {
    fc.assert(
      fc.property(world, ([a, b, c]) => {
        expect(bytes(a, b)).toBe(bytes(b, a));
        expect(bytes(mergeRecordings([a, b]), c)).toBe(bytes(a, mergeRecordings([b, c])));
        expect(bytes(a, a)).toBe(bytes(a));
        expect(bytes(a)).toBe(serializeRecording(a));
        const ids = new Set([...a.runs, ...b.runs].map((run) => run.id));
        expect(mergeRecordings([a, b]).runs.map((run) => run.id)).toEqual([...ids].sort());
      }),
      { numRuns: 200 },
    );
  });

  test('the order inside a run means nothing', () => {
    const run = makeRun(['read', 'write'], { id: 'aaaaaaaa' });
    const turned = { ...run, calls: [...run.calls].reverse() };
    expect(bytes(makeRecording(run), makeRecording(turned))).toBe(bytes(makeRecording(run)));
  });

  test('the same id with other content is an error', () => {
    const a = makeRecording(makeRun(['read'], { id: 'aaaaaaaa' }));
    const b = makeRecording(makeRun(['write'], { id: 'aaaaaaaa' }));
    expect(() => mergeRecordings([a, b])).toThrow(
      expect.objectContaining({ kind: 'input', code: 'recording-conflict' }),
    );
  });

  test('of nothing is the empty recording', () => {
    expect(mergeRecordings([])).toEqual({ version: 1, runs: [] });
  });
});

test('parse undoes serialize, and bytes are stable', () => {
  fc.assert(
    fc.property(world, ([a]) => {
      const written = serializeRecording(a);
      const read = parseRecording(written, 'x');
      expect(read).toEqual(canonicalRecording(a));
      expect(serializeRecording(read)).toBe(written);
    }),
    { numRuns: 200 },
  );
});
