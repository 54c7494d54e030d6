/**
 * JUnit's XML, as the CI services read it that took it over from Ant (the schema of Jenkins' xUnit
 * plugin): suites of cases, of which each passed, failed, or could not be judged (error).
 */
import { escapeUnsafe } from '../errors/text';

export interface JunitCase {
  readonly name: string;
  /** What failed; null: it passed. Lines of text; untrusted. */
  readonly problem: {
    readonly kind: 'failure' | 'error';
    /** The rule or code. */
    readonly type: string;
    readonly message: string;
    readonly lines: readonly string[];
  } | null;
  /** What was said besides. */
  readonly output: readonly string[];
}

export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly JunitCase[];
}

/** XML 1.0 has no way to write these, not even escaped; nor may they act on whoever reads the log. */
function allowed(text: string): string {
  return escapeUnsafe(text).replace(
    /[\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16)}`,
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** One line, for an attribute or between tags. */
function xml(text: string): string {
  return allowed(text).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xml(String(value))}"`)
    .join('');
}

function text(lines: readonly string[]): string {
  return lines.map(xml).join('\n');
}

function caseXml(suite: string, { name, problem, output }: JunitCase): string[] {
  const open = `    <testcase${attributes({ classname: `sysieve.${suite}`, name })}`;
  const inner: string[] = [];
  if (problem !== null) {
    const { kind, type, message, lines } = problem;
    inner.push(`      <${kind}${attributes({ type, message })}>${text(lines)}</${kind}>`);
  }
  if (output.length > 0) inner.push(`      <system-out>${text(output)}</system-out>`);
  return inner.length === 0 ? [`${open}/>`] : [`${open}>`, ...inner, '    </testcase>'];
}

function counts(cases: readonly JunitCase[]): Record<string, number> {
  const of = (kind: string) => cases.filter(({ problem }) => problem?.kind === kind).length;
  return { tests: cases.length, failures: of('failure'), errors: of('error'), skipped: 0 };
}

/** The whole document. `name`: of all suites together. */
export function junit(name: string, suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  const { skipped: _, ...totals } = counts(all);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name, ...totals })}>`,
    ...suites.flatMap((suite) => [
      `  <testsuite${attributes({ name: suite.name, ...counts(suite.cases) })}>`,
      ...suite.cases.flatMap((one) => caseXml(suite.name, one)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}
