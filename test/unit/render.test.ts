import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { FORMATS, type Format, type Options, render } from '../../src/render';
import { uriOf } from '../../src/render/sarif';
import { type Finding, type Report, SEVERITIES, totals } from '../../src/review';
import {
  diffReport,
  finding,
  HOSTILE,
  hostileReport,
  largeReport,
  lintReport,
  sampleDiff,
} from '../support/reports';

const OPTIONS: Options = {
  columns: 80,
  colour: false,
  tool: { name: 'sysieve', version: '1.2.3' },
};
const show = (report: Report, format: Format, options: Partial<Options> = {}) =>
  render(report, format, { ...OPTIONS, ...options });

/** Whatever text may be made of, but line breaks that the format itself makes. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('every format', () => {
  test.each(FORMATS)('%s carries no unsafe character, whatever the report holds', (format) => {
    for (const text of HOSTILE) {
      const shown = show(hostileReport(text), format);
      expect(shown).not.toMatch(UNSAFE);
      expect(shown.endsWith('\n')).toBe(true);
    }
  });

  test.each(FORMATS)('%s says "identical" and never nothing', (format) => {
    expect(show(diffReport({ verdict: 'identical' }), format)).toContain('identical');
  });

  test.each(FORMATS)('%s gives the same text for the same report', (format) => {
    expect(show(sampleDiff(), format)).toBe(show(sampleDiff(), format));
  });

  test.each(['terminal', 'markdown', 'github', 'html'] as const)(
    '%s puts headlines in front of everything else, then the verdict',
    (format) => {
      const report = { ...sampleDiff(), headlines: ['web runs without any filter'] };
      const shown = show(report, format).replace(/<title>.*<\/title>|<style>[\s\S]*<\/style>/g, '');
      const headline = shown.indexOf('web runs without any filter');
      const verdict = shown.indexOf('4 calls may pass');
      const first = shown.indexOf('io_uring_setup');
      expect(headline).toBeGreaterThan(-1);
      expect(verdict).toBeGreaterThan(headline);
      expect(first).toBeGreaterThan(verdict);
    },
  );
});

test('a format loads only itself', () => {
  jest.isolateModules(() => {
    for (const other of FORMATS.filter((format) => format !== 'terminal')) {
      jest.doMock(`../../src/render/${other}`, () => {
        throw new Error(`${other} was loaded`);
      });
    }
    const isolated = require('../../src/render') as typeof import('../../src/render');
    expect(isolated.render(sampleDiff(), 'terminal', OPTIONS)).toContain('mixed');
    for (const other of FORMATS.filter((format) => format !== 'terminal')) {
      expect(() => isolated.render(sampleDiff(), other, OPTIONS)).toThrow(`${other} was loaded`);
      jest.dontMock(`../../src/render/${other}`);
    }
  });
});

describe('the verdict in words', () => {
  const line = (parts: Partial<Report>) =>
    show(diffReport(parts), 'terminal', { columns: 500 }).split('\n')[0];
  const narrower = finding({ effect: 'narrows', call: 'read' });
  const values = { added: ['AF_NETLINK'], removed: [] };

  test.each<[string, Partial<Report>]>([
    ['identical: both sides are the same text', { verdict: 'identical' }],
    ['equivalent: exactly the same calls may pass', { verdict: 'equivalent' }],
    [
      'equivalent: exactly the same calls may pass; 1 finding about how others are refused',
      { verdict: 'equivalent', findings: [finding({ effect: 'denial' })] },
    ],
    ['widens: 1 call may pass that could not', { verdict: 'widens', findings: [finding()] }],
    [
      'widens: 1 call may pass that could not (for some arguments)',
      { verdict: 'widens', findings: [finding({ values })] },
    ],
    [
      'widens: 2 calls may pass that could not (1 for some arguments)',
      { verdict: 'widens', findings: [finding({ values }), finding({ call: 'bpf' })] },
    ],
    ['narrows: 1 call may no longer pass', { verdict: 'narrows', findings: [narrower] }],
    [
      'mixed: 1 call may pass that could not, 1 no longer',
      { verdict: 'mixed', findings: [finding(), narrower] },
    ],
    [
      'widens: 1 call may pass that could not',
      { verdict: 'widens', findings: [finding(), finding({ abi: 'i386' })] },
    ],
    [
      'widens: 2 changes of more than one call at once (2 wider)',
      {
        verdict: 'widens',
        findings: [finding({ call: null }), finding({ call: '500-4294967295' })],
      },
    ],
    ['widens: other calls may pass than before', { verdict: 'widens' }],
  ])('%s', (said, parts) => {
    expect(line(parts)).toBe(said);
  });

  test('of lint', () => {
    const said = (parts: Partial<Report>) => show(lintReport(parts), 'terminal').split('\n')[0];
    const waiver = { reason: 'r', expires: '2030-01-01' };
    expect(said({})).toBe('no findings');
    expect(said({ findings: [finding({ waiver })] })).toBe('no findings: 1 waived');
    expect(said({ findings: [finding(), finding({ severity: 'note' })] })).toBe(
      '2 findings: 1 high, 1 note',
    );
  });
});

test('totals count what is not waived by severity, and all by effect', () => {
  const waiver = { reason: 'r', expires: '2030-01-01' };
  expect(
    totals([finding(), finding({ severity: 'low', effect: 'denial' }), finding({ waiver })]),
  ).toEqual({
    high: 1,
    medium: 0,
    low: 1,
    note: 0,
    waived: 1,
    effects: { widens: 2, narrows: 0, denial: 1, handling: 0, none: 0 },
  });
});

describe('terminal', () => {
  test('a finding takes one line where it fits, and hangs under its message where not', () => {
    const place = { file: 'a.json', line: 1, column: 2 };
    const short = finding({ message: 'mount passes: errno EPERM, now allow', place });
    expect(show(diffReport({ findings: [short] }), 'terminal')).toContain(
      '\n+ high   mount passes: errno EPERM, now allow [x86_64] a.json:1:2\n',
    );
    const long = { ...short, message: `mount errno EPERM allow ${'word '.repeat(20)}end` };
    const lines = show(diffReport({ findings: [long] }), 'terminal').split('\n');
    const at = lines.findIndex((line) => line.startsWith('+ high'));
    expect(lines[at + 1]).toMatch(/^ {9}word/);
  });

  test('the call is named if the message does not, and nothing is said twice', () => {
    const said = (parts: Partial<Finding>) =>
      show(diffReport({ findings: [finding({ place: null, abi: null, ...parts })] }), 'terminal')
        .split('\n')
        .find((line) => line.startsWith('+ high'));
    expect(said({ call: 'read', message: 'pread64 went from errno EPERM to allow.' })).toBe(
      '+ high   read: pread64 went from errno EPERM to allow',
    );
    expect(said({ call: 'mount', message: 'mount passes' })).toBe(
      '+ high   mount passes (errno EPERM -> allow)',
    );
  });

  test('ABIs of the same finding share a line', () => {
    const findings = (['x86_64', 'i386'] as const).map((abi, index) =>
      finding({ abi, fingerprint: `${index}`.repeat(16) }),
    );
    const shown = show(diffReport({ findings }), 'terminal');
    expect(shown.match(/^\+ high/gm)).toHaveLength(1);
    expect(shown).toContain('[x86_64, i386]');
  });

  test('no line is wider than the terminal, whatever it says', () => {
    for (const columns of [20, 40, 80, 120]) {
      for (const report of [sampleDiff(), ...HOSTILE.map(hostileReport)]) {
        for (const line of show(report, 'terminal', { columns }).split('\n')) {
          const wide = [...line].filter((character) => /[\u3000-\u9fff]/.test(character)).length;
          expect([...line].length + wide).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  test('colour changes nothing but the colour', () => {
    for (const report of [sampleDiff(), lintReport({ findings: [finding()] })]) {
      const coloured = show(report, 'terminal', { colour: true });
      expect(coloured).toContain('\u001b[');
      // biome-ignore lint/complexity/useRegexLiterals: an escape character in it
      expect(coloured.replace(new RegExp('\u001b\\[[0-9;]*m', 'g'), '')).toBe(
        show(report, 'terminal'),
      );
    }
  });

  test('untrusted text never begins a line', () => {
    const shown = show(
      hostileReport('identical: both sides are the same text '.repeat(5)),
      'terminal',
    );
    expect(shown).not.toMatch(/^(identical|both|sides|are|the|same|text)/m);
  });

  test("no untrusted text is a command to GitHub's workflows", () => {
    for (const text of [
      'a \u3000::error::b '.repeat(9),
      'a ::error::b ##[error]c '.repeat(9),
      `${'a'.repeat(9)}${'::error::b'.repeat(9)}`,
    ]) {
      for (const columns of [20, 33, 40, 80]) {
        expect(show(hostileReport(text), 'terminal', { columns })).not.toMatch(/^\s*::|##\[/m);
      }
    }
  });

  test('a heading for each set of contexts, none where there is one', () => {
    const shown = show(sampleDiff(), 'terminal');
    expect(shown.match(/^Where: .*$/gm)).toEqual([
      'Where: in every context',
      'Where: x86_64, runc and crun, CAP_SYS_ADMIN added',
      'Where: x86_64, runc and crun',
    ]);
    const one = { ...sampleDiff(), findings: sampleDiff().findings.slice(1, 4) };
    expect(show(one, 'terminal')).not.toMatch(/^Where: /m);
    const part = { ...sampleDiff(), findings: sampleDiff().findings.slice(0, 1) };
    expect(show(part, 'terminal')).toMatch(/^Where: x86_64, runc and crun, CAP_SYS_ADMIN added$/m);
  });

  test('values are cut after eight, and waived findings say until when and why', () => {
    const shown = show(sampleDiff(), 'terminal', { columns: 200 });
    expect(shown).toContain('- persona 0x0; ');
    expect(shown).toContain('persona 0x38 and 3 more\n');
    expect(shown).not.toContain('persona 0x40');
    expect(shown).toMatch(/^\+ waived ptrace .*\(until 2027-03-31: the crash handler needs it\)$/m);
  });
});

describe('json', () => {
  const KEYS =
    'rule severity effect abi call before after values witness message reason cves evidence file line column contexts fingerprint waiver';

  test('a diff has every key that scripts may ask for, and the strings mean what they meant', () => {
    const report = hostileReport(HOSTILE[8]);
    const document = JSON.parse(show(report, 'json'));
    expect(Object.keys(document).join(' ')).toBe(
      'version verdict before after headlines contexts cves totals findings notes',
    );
    expect(document.version).toBe(1);
    expect(document.totals).toEqual(totals(report.findings));
    expect(document.findings).toHaveLength(report.findings.length);
    for (const [index, found] of document.findings.entries()) {
      expect(Object.keys(found).join(' ')).toBe(KEYS);
      const { file, line, column, ...rest } = found;
      expect({ ...rest, place: { file, line, column } }).toEqual(report.findings[index]);
    }
  });

  test('lint has no verdict, no before and no contexts; no place is null', () => {
    const report = lintReport({ findings: [finding({ place: null, abi: null })] });
    const document = JSON.parse(show(report, 'json'));
    expect(Object.keys(document).join(' ')).toBe(
      'version after headlines cves totals findings notes',
    );
    expect(document.findings[0]).toMatchObject({ file: null, line: null, column: null, abi: null });
  });
});

/** The schema of the standard; draft 4, of which ajv knows no formats. */
function sarifErrors(document: unknown): unknown {
  const schema = require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  const ajv = new Ajv({ schemaId: 'id', meta: false, unknownFormats: 'ignore' });
  ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
  ajv.validate(JSON.parse(readFileSync(schema, 'utf8')), document);
  return ajv.errors;
}

describe('sarif', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what a consumer sees
  const parsed = (report: Report): any => JSON.parse(show(report, 'sarif'));

  test('is valid against the schema, whatever the report holds', () => {
    const reports = [
      sampleDiff(),
      diffReport({ verdict: 'identical' }),
      lintReport({ findings: [finding({ place: null, abi: null, rule: 'made-up' })] }),
      ...HOSTILE.map(hostileReport),
    ];
    for (const report of reports) expect(sarifErrors(parsed(report))).toBeNull();
    const broken = parsed(sampleDiff());
    broken.runs[0].results[0].level = 'high';
    expect(sarifErrors(broken)).not.toBeNull();
  });

  test('severities, rules, places and fingerprints', () => {
    const [run] = parsed(sampleDiff()).runs;
    expect(run.columnKind).toBe('utf16CodeUnits');
    expect(run.tool.driver).toMatchObject({ name: 'sysieve', version: '1.2.3' });
    const levels = { high: 'error', medium: 'warning', low: 'note', note: 'note' };
    for (const result of run.results) {
      expect(result.kind).toBe('fail');
      expect(result.level).toBe(levels[result.properties.severity as keyof typeof levels]);
      expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
      expect(result.partialFingerprints.primaryLocationLineHash).toBe(
        `${result.partialFingerprints['sysieveFinding/v1']}:1`,
      );
    }
    for (const rule of run.tool.driver.rules) expect(rule.help.text).not.toBe('');
    expect(run.results[0].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'profiles/web.json' },
      region: { startLine: 14, startColumn: 9, endLine: 14, endColumn: 10 },
    });
  });

  test('a waiver is an external suppression; the others are said not to be suppressed', () => {
    const { results } = parsed(sampleDiff()).runs[0];
    const suppressed = results.filter(
      (r: { suppressions: unknown[] }) => r.suppressions.length > 0,
    );
    expect(suppressed).toHaveLength(1);
    expect(suppressed[0].suppressions).toEqual([
      {
        kind: 'external',
        status: 'accepted',
        justification: 'the crash handler needs it (until 2027-03-31)',
      },
    ]);
    const [without] = parsed(diffReport({ findings: [finding()] })).runs[0].results;
    expect(without).not.toHaveProperty('suppressions');
  });

  test('text makes no link and no placeholder', () => {
    const report = diffReport({ findings: [finding({ message: 'a [b](https://x) {0} mount' })] });
    expect(parsed(report).runs[0].results[0].message.text).toContain(
      'a [b] (https://x) {{0}} mount',
    );
  });

  test('at most 25,000 results, the severe ones, and says so', () => {
    const [run] = parsed(largeReport(25_400)).runs;
    expect(run.results).toHaveLength(25_000);
    expect(run.properties.leftOut).toBe(400);
    expect(run.results[0].level).toBe('error');
    expect(run.invocations[0].toolExecutionNotifications.at(-1).message.text).toContain('400');
  });

  test.each([
    ['a b/ü#?.json', 'a%20b/%C3%BC%23%3F.json'],
    ['/srv/a b.json', 'file:///srv/a%20b.json'],
    ['C:\\x\\a b.json', 'file:///C:/x/a%20b.json'],
    ['a:b.json', 'a%3Ab.json'],
    ['\ud800', '%EF%BF%BD'],
    ['', '.'],
  ])('%j is the URI %s', (path, uri) => {
    expect(uriOf(path)).toBe(uri);
    expect(() => new URL(uri, 'file:///work/')).not.toThrow();
  });
});

/** As actions/runner reads a line: properties of a command it knows, or null. */
function readCommand(
  line: string,
): { level: string; properties: Record<string, string>; message: string } | null {
  const match = /^::(\w+) (.*?)::(.*)$/.exec(line);
  if (match === null) return null;
  const [, level = '', list = '', data = ''] = match;
  const decode = (text: string) => text.replace(/%0D/g, '\r').replace(/%0A/g, '\n');
  const properties: Record<string, string> = {};
  for (const part of list.split(',')) {
    const at = part.indexOf('=');
    const value = part
      .slice(at + 1)
      .replace(/%3A/g, ':')
      .replace(/%2C/g, ',');
    properties[part.slice(0, at)] = decode(value).replace(/%25/g, '%');
  }
  return { level, properties, message: decode(data).replace(/%25/g, '%') };
}

describe('github', () => {
  const commands = (report: Report) =>
    show(report, 'github')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const command = readCommand(line);
        if (command === null) throw new Error(`not a command: ${line}`);
        return command;
      });

  test('each line is one command, whatever the report holds, within its lengths', () => {
    for (const text of [
      ...HOSTILE,
      'x'.repeat(9000),
      '%'.repeat(3000),
      `${'a'.repeat(4094)}🎉🎉`,
    ]) {
      const all = commands(hostileReport(text));
      // A headline, the verdict, and the four findings that are not waived.
      expect(all.map(({ level }) => level).sort()).toEqual(
        ['error', 'error', 'warning', 'notice', 'notice', 'notice'].sort(),
      );
      for (const { properties, message } of all) {
        expect(Object.keys(properties).every((key) => /^(file|line|col|title)$/.test(key))).toBe(
          true,
        );
        expect(message.length).toBeLessThanOrEqual(4096);
        expect((properties.title as string).length).toBeLessThanOrEqual(255);
        expect(message).not.toMatch(/\p{Cs}/u);
      }
    }
  });

  test('text survives the escapes', () => {
    const place = { file: 'a,b%/x.json', line: 3, column: 4 };
    const message = '100%0A: a, b mount';
    const [, found] = commands(diffReport({ findings: [finding({ place, message })] }));
    expect(found?.properties).toMatchObject({ file: 'a,b%/x.json', line: '3', col: '4' });
    expect(found?.message.split('\n')[0]).toBe(message);
  });

  test('ten of a level at most, the severe ones first, and a notice of what is missing', () => {
    const all = commands(largeReport(2000));
    const of = (level: string) => all.filter((command) => command.level === level);
    expect(of('error')).toHaveLength(10);
    expect(of('warning')).toHaveLength(10);
    expect(of('notice')).toHaveLength(10);
    expect(all.at(-1)?.message).toContain(
      '1972 findings (490 high, 490 medium, 492 low, 500 notes)',
    );
    expect(commands(sampleDiff()).at(-1)?.message).not.toContain('Left out');
  });

  test('what is waived is left out, and no silence', () => {
    expect(show(sampleDiff(), 'github')).not.toContain('ptrace');
    expect(commands(diffReport({ verdict: 'identical' }))).toHaveLength(1);
  });

  test('the path of a revision, without a line where the file has moved on', () => {
    const at = (file: string) =>
      commands(
        diffReport({
          before: 'v1:a/b.json',
          after: 'HEAD:a/b.json',
          findings: [finding({ place: { file, line: 7, column: 1 } })],
        }),
      )[1];
    expect(at('HEAD:a/b.json')?.properties).toMatchObject({ file: 'a/b.json', line: '7' });
    expect(at('v1:a/b.json')?.properties).not.toHaveProperty('line');
    expect(at('v1:a/b.json')?.message).toContain('v1:a/b.json:7:1');
    expect(at('C:\\b.json')?.properties.file).toBe('C:\\b.json');
    expect(at('./b.json')?.properties.file).toBe('b.json');
  });
});

/** Leaves what a reader of markdown sees outside of code, with the tags that sysieve writes. */
function openText(markdown: string): string {
  return markdown
    .replace(/<code>[^<]*<\/code>/g, '')
    .replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '')
    .replace(/<\/?(details|summary)>|<br>/g, '');
}

describe('markdown', () => {
  test('nothing but words stands outside of code', () => {
    for (const text of HOSTILE) {
      const open = openText(show(hostileReport(text), 'markdown'));
      expect(open).not.toMatch(/[@#<`\\[\]_~$]|https?|www|[0-9a-f]{7}|\|\|/);
      for (const line of open.split('\n')) {
        expect(line).toMatch(
          /^([|>*-]|Where: |CVEs|Totals|Notes|widens|[ →]|\d+ waived|\d+ low|$)/,
        );
      }
    }
  });

  test('tables keep their columns, whatever is in them', () => {
    for (const text of HOSTILE) {
      const rows = openText(show(hostileReport(text), 'markdown'))
        .split('\n')
        .filter((line) => line.startsWith('|'));
      const columns = new Set(rows.map((line) => line.split('|').length - 2));
      expect([...columns].sort()).toEqual([2, 5]);
    }
  });

  test('the fence is longer than any in the text', () => {
    const report = diffReport({ after: '``` x' });
    expect(show(report, 'markdown')).toContain('→ ```` ``` x ````\n');
  });

  test('high and medium stand open, low, notes and waived ones are folded', () => {
    const shown = show(sampleDiff(), 'markdown');
    const [open, ...folded] = shown.split('<details>');
    expect(open).toContain('io_uring_setup');
    expect(open).not.toContain('clone3');
    expect(folded[0]).toMatch(/^\n<summary>1 low, 1 note<\/summary>/);
    expect(folded[0]).toContain('clone3');
    expect(folded[1]).toMatch(/^\n<summary>1 waived<\/summary>/);
    expect(folded[1]).toContain('ptrace');
  });

  test('never above the limit, the severe ones kept, verdict and totals whole', () => {
    const shown = show(largeReport(2000), 'markdown');
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(65_536);
    expect(Buffer.byteLength(shown)).toBeGreaterThan(60_000);
    const rows = shown.match(/^\| (high|medium|low|note) \|/gm) ?? [];
    expect(new Set(rows)).toEqual(new Set(['| high |']));
    expect(shown).toContain(`**${2000 - rows.length} findings left out**`);
    expect(shown).toMatch(/^\*\*widens\*\*: 2000 calls may pass that could not$/m);
    expect(shown).toContain('Totals: 500 high, 500 medium, 500 low, 500 notes; 2000 widening\n');
  });

  test('nor where everything else is as long as it can be', () => {
    for (const text of ['|'.repeat(5000), '日 '.repeat(3000), '\u001b|`'.repeat(2000)]) {
      const { findings, ...rest } = hostileReport(text);
      const many = <T>(item: T) => Array.from({ length: 30 }, () => item);
      const report: Report = {
        ...rest,
        headlines: many(text),
        contexts: many(0).map((_, index) => ({ label: `${text}${index}`, verdict: 'widens' })),
        cves: { opens: many(text), closes: many(text) },
        findings: many(findings)
          .flat()
          .map((found, index) => ({ ...found, call: `${text}${index}` })),
        notes: many(text),
      };
      const shown = show(report, 'markdown');
      expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(65_536);
      expect(shown).toContain('**widens**');
      expect(shown).toContain('Totals: 30 high');
      expect(shown).toMatch(/\d+ findings left out/);
    }
  });

  test('the severe finding of a later context is kept before the light ones of an earlier', () => {
    const large = largeReport(1200);
    const contexts = ['one', 'two'].map((label) => ({ label, verdict: 'widens' as const }));
    const findings: Finding[] = large.findings.map((found, index) => ({
      ...found,
      contexts: [index % 2 === 0 ? 'one' : 'two'],
      severity: SEVERITIES[index < 1000 ? 1 : 0] as Finding['severity'],
    }));
    const shown = show({ ...large, contexts, findings }, 'markdown');
    expect(shown.match(/^\| high \|/gm)).toHaveLength(200);
  });
});

describe('html', () => {
  test('holds no element that sysieve does not write, whatever the report holds', () => {
    const known = new Set(
      'html head meta title style body main h1 h2 h3 p strong code table thead tbody tr th td ul li br details summary footer'.split(
        ' ',
      ),
    );
    for (const text of HOSTILE) {
      const shown = show(hostileReport(text), 'html');
      for (const [, name = ''] of shown.matchAll(/<\/?([a-z0-9]+)/gi)) {
        expect(known).toContain(name.toLowerCase());
      }
      const unquoted = shown.replace(/="[^"]*"/g, '=');
      expect(/<[^>]*\s(on\w+|style|src|href)=/i.test(unquoted)).toBe(false);
    }
  });

  test('permits nothing but its own style', () => {
    const { createHash } = require('node:crypto') as typeof import('node:crypto');
    const shown = show(sampleDiff(), 'html');
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(shown) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(shown).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    );
    expect(shown.indexOf('Content-Security-Policy')).toBeLessThan(shown.indexOf('<style>'));
    expect(shown).not.toContain('<script');
  });

  test('headings follow each other, and every header of a table says what it heads', () => {
    const shown = show(sampleDiff(), 'html');
    const levels = [...shown.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    levels.forEach((level, index) => {
      expect(level).toBeLessThanOrEqual((levels[index - 1] ?? 0) + 1);
    });
    for (const [header] of shown.matchAll(/<th\b[^>]*>/g))
      expect(header).toMatch(/scope="(col|row)"/);
  });

  test('effects are words, and low, notes and waived ones are folded', () => {
    const shown = show(sampleDiff(), 'html');
    expect(shown).toContain('</code> widens</td>');
    const [open = '', ...folded] = shown.split('<details>');
    expect(open).not.toContain('clone3');
    expect(folded.join()).toContain('clone3');
    expect(folded.join()).toContain('Waived until 2027-03-31: the crash handler needs it');
  });
});
