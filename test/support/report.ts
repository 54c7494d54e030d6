/** Reports without the command line: of a recording, of a profile, of both, of whatever texts. */
import type { Side } from '../../src/diff';
import { DEFAULT_OPTIONS, minimise } from '../../src/minimise';
import { type Evidence, gatedDefault } from '../../src/profile';
import type { Recording, Run } from '../../src/recording';
import { type Input, type Model, reportOf } from '../../src/report';
import { makeCall, makeRecording, makeRun } from './recordings';
import { diffReport, finding } from './reports';

export function standard(): Input['standard'] {
  const { profile, version } = gatedDefault('docker', undefined);
  return {
    label: `the default of Docker ${version}`,
    side: {
      ...{ kind: 'profile', label: 'default:docker', notes: [], text: null, evidence: null },
      profile: { format: 'gated', value: profile },
      engine: { name: 'docker', version },
      places: () => null,
    },
  };
}

/** The profile that minimise makes of it, without baselines. */
export function madeSide(recording: Recording): Extract<Side, { kind: 'profile' }> {
  const { profile, evidence, excluded } = minimise({
    ...{ recordings: [recording], baselines: [] },
    options: { ...DEFAULT_OPTIONS, runtimes: 'none', allowIncomplete: true },
  });
  const made: Evidence = { version: 3, calls: evidence, excluded, justifications: {} };
  return {
    ...{ kind: 'profile', label: 'app.json', notes: [], text: null, engine: null, evidence: made },
    profile: { format: 'oci', value: profile },
    places: () => null,
  };
}

export function model(parts: Partial<Input> = {}): Model {
  const { recording = null } = parts;
  return reportOf({
    tool: { name: 'sysieve', version: '1.2.3' },
    title: null,
    sources: ['app.recording.json'],
    profile: recording === null ? null : { side: madeSide(recording), origin: 'made' },
    withoutProfile: null,
    standard: standard(),
    against: null,
    costs: 'there is no libseccomp',
    notes: [],
    ...{ recording },
    ...parts,
  });
}

/** What somebody who names things in a container may write anywhere. */
export const PAYLOADS: readonly string[] = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onmouseover='alert(1)' x='",
  '</script><script>alert(1)</script>',
  '</style><style>body{display:none}</style>',
  '</title><b>bold</b>',
  '<!-- --> ]]> <![CDATA[ <a href="javascript:alert(1)">x</a>',
  '&lt;b&gt; &#60;b&#62; &amp;',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  'body { background: url(https://evil.example/x) } @import "//evil.example"',
  '\u202egnp.exe\u2066 \u200b\ufeff',
  'nul\0 bell\u0007 esc\u001b[31m',
  'first\nsecond\r\n\u2028third',
  '\ud800 lone \udfff',
  'n'.repeat(10_000),
  '日本語'.repeat(1000),
  '',
];

/** Stands for a text in what is made once and used with all of them. */
const TOKEN = 'TOKEN';

function tokenRun(): Run {
  return makeRun([], {
    executables: [TOKEN, `/usr/bin/${TOKEN}`, '/bin/plain'],
    target: { kind: 'container', engine: TOKEN, name: TOKEN, id: TOKEN, image: TOKEN },
    tracer: TOKEN,
    calls: [
      makeCall({ call: 'read', executables: [0, 1, 2] }),
      makeCall({ call: 'mount', executables: [1], denied: { '1': 3 } }),
      makeCall({ call: 'socket', executables: [0], tuples: [[1n, 1n, 0n]] }),
      { ...makeCall({ call: 5000, executables: [0] }), name: TOKEN },
    ],
    missed: { startsSeen: 0, callsLost: 3, blindSpots: [TOKEN, 'constructor', '__proto__'] },
  });
}

/** In which every text that a user, a container or a file decides is TOKEN. */
function tokenModel(): Model {
  const recording = makeRecording(tokenRun());
  const side = madeSide(recording);
  const made = side.evidence as Evidence;
  const [call] = made.calls;
  const evidence: Evidence = {
    ...made,
    calls: made.calls.map((one) =>
      one === call ? { ...one, note: TOKEN, executables: [TOKEN], phases: [TOKEN] } : one,
    ),
    excluded: [{ abi: 'x86_64', name: TOKEN, values: [TOKEN], reason: TOKEN }],
    justifications: { [TOKEN]: TOKEN },
  };
  const report = model({
    ...{ title: TOKEN, sources: [TOKEN, `${TOKEN}.json`], recording, notes: [TOKEN] },
    profile: { side: { ...side, label: TOKEN, evidence }, origin: 'given' },
    withoutProfile: TOKEN,
    costs: TOKEN,
    standard: { ...standard(), label: TOKEN },
  });
  const found = finding({
    ...{ call: TOKEN, before: TOKEN, after: TOKEN, message: TOKEN, reason: TOKEN },
    values: { added: [TOKEN, 'x'], removed: [TOKEN] },
    cves: { opens: [TOKEN], closes: [TOKEN] },
    evidence: { why: [TOKEN], executables: [TOKEN], phases: [TOKEN], justification: TOKEN },
    place: { file: TOKEN, line: 3, column: 5 },
    contexts: [TOKEN],
  });
  const { permits } = report;
  if (permits === null) throw new Error('not reached');
  return {
    ...report,
    tool: { name: 'sysieve', version: TOKEN },
    permits: { ...permits, cves: permits.cves.slice(0, 3), beyond: [TOKEN, 'x'] },
    rules: report.rules.map((rule) => ({
      ...rule,
      ...{ note: TOKEN, end: TOKEN, cases: [{ lead: TOKEN, values: [TOKEN] }] },
    })),
    diff: diffReport({
      ...{ before: TOKEN, after: TOKEN, headlines: [TOKEN], notes: [TOKEN], findings: [found] },
      contexts: [{ label: TOKEN, verdict: 'widens' }],
    }),
  };
}

function replaced(value: unknown, text: string): unknown {
  if (typeof value === 'string') return value.replaceAll(TOKEN, () => text);
  if (Array.isArray(value)) return value.map((item) => replaced(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaced(item, text)]),
  );
}

let once: Model | undefined;

/** A model in which every text that a user, a container or a file decides is `text`. */
export function hostileModel(text: string): Model {
  once ??= tokenModel();
  return replaced(once, text) as Model;
}
