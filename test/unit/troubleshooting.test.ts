/** docs/troubleshooting.md says something of every error that is the host's or the recording's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompletenessSchema } from '../../src/recording/schema';
import { allErrors, COMPUTED, type ErrorSite, ofDoctor } from '../support/messages';
import { ROOT } from '../support/recorder';

const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const errors = allErrors();

interface Section {
  /** The heading above it. */
  of: string;
  names: string[];
  text: string;
}

/** `### \`NAME\`, \`NAME\``; one without a text goes with the next. */
function sections(): Section[] {
  const found: Section[] = [];
  let of = '';
  for (const part of page.split(/^(?=##)/m)) {
    const [heading = '', ...rest] = part.split('\n');
    if (heading.startsWith('## ')) of = heading.slice(3);
    const names = [...heading.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    if (!heading.startsWith('### ') || names.length === 0) continue;
    const last = found.at(-1);
    if (last?.text.trim() === '') last.text = rest.join('\n');
    found.push({ of, names, text: rest.join('\n') });
  }
  return found;
}

const all = sections();
const DOCTOR = 'The lines of doctor';
const ofErrors = all.filter(({ of }) => of !== DOCTOR);
const documented = ofErrors.flatMap(({ names }) => names);

/** Where kind and code are both computed, the rows that they come from are sites of their own. */
const plain = errors.filter(({ kinds, codes }) => kinds.length === 1 || codes.length === 1);
const of = (code: string, sites = errors) =>
  sites.filter(({ codes }) => codes.some((one) => one !== COMPUTED && matches(one, code)));

/** Whether a text is one that the source makes; `…` there stands for anything. */
function matches(made: string, text: string): boolean {
  const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${made.split(COMPUTED).map(literal).join('.+')}$`).test(text);
}

test('every code of the kinds system and incomplete has a section', () => {
  const codes = plain
    .filter(({ kinds }) => kinds.some((kind) => kind === 'system' || kind === 'incomplete'))
    .flatMap((error) => error.codes.filter((code) => code !== COMPUTED));
  expect(codes.length).toBeGreaterThan(50);
  expect([...new Set(codes)].filter((code) => !documented.includes(code))).toEqual([]);
});

test('every section is of a code that there is, once', () => {
  expect(documented.filter((code) => of(code, plain).length === 0)).toEqual([]);
  expect(documented.filter((code, at) => documented.indexOf(code) !== at)).toEqual([]);
});

test('the messages of a section are printed with its codes', () => {
  const wrong = ofErrors.flatMap(({ names, text }) => {
    const says = (site: ErrorSite, line: string) =>
      site.messages.some((message) => message !== COMPUTED && matches(message, line));
    // The first paragraph: quoted messages, which may be broken over lines.
    const paragraph = text.trim().split('\n\n')[0]?.replaceAll('\n', ' ') ?? '';
    const quoted = [...paragraph.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    // Those of the command line are commander's own.
    if (names.includes('usage')) return [];
    if (quoted.length === 0) return [`${names[0]}: no message`];
    const sites = names.flatMap((name) => of(name));
    return quoted
      .filter((line) => !sites.some((site) => says(site, line)))
      .map((line) => `${names[0]}: ${line}`);
  });
  expect(wrong).toEqual([]);
});

test('every line of doctor has a section, and every section a line', () => {
  const lines = all.filter(({ of: heading }) => heading === DOCTOR).flatMap(({ names }) => names);
  const made = ofDoctor('name');
  expect(made.filter((line) => !lines.some((name) => matches(line, name)))).toEqual([]);
  expect(lines.filter((name) => !made.some((line) => matches(line, name)))).toEqual([]);
});

/** The first cells of the table below a heading. */
function tableOf(heading: string): string[] {
  const part = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...part.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] as string);
}

test('every counter of completeness is in the table', () => {
  expect(tableOf('Counters').sort()).toEqual(Object.keys(CompletenessSchema.shape).sort());
});

/** What tracers and importers declare, in their sources. */
function declaredSpots(): string[] {
  const files = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(cc|ts)$/.test(name))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'));
  const native = ['native/bpf', 'native/ptrace', 'native/notify'].flatMap(files).flatMap((text) =>
    // In one call there may be two, one for each way.
    [...text.matchAll(/(?:blind_spots\.emplace_back|Declare|spots\.insert)\(([^;]*)\);/g)].flatMap(
      (call) =>
        [...(call[1] as string).matchAll(/"([a-z-]+)"/g)].map((match) => match[1] as string),
    ),
  );
  const ours = ['src/capture', 'src/import', 'src/recording']
    .flatMap(files)
    .flatMap((text) => [
      ...[...text.matchAll(/blindSpots\.(?:push|add)\('([a-z-]+)'\)/g)].map((match) => match[1]),
      ...[
        ...text.matchAll(
          /^(?:export )?const (?:PERMITTED_CALLS|START_UNSEEN|UNKNOWN_EXTENT|CALLS_REWRITTEN|UNNAMED) = '([a-z-]+)'/gm,
        ),
      ].map((match) => match[1]),
    ]);
  return [...new Set([...native, ...(ours as string[])])];
}

test('every blind spot is in the table', () => {
  const spots = declaredSpots();
  expect(spots).toEqual(expect.arrayContaining(['permitted-calls', 'executables-by-inode']));
  expect(tableOf('Blind spots').sort()).toEqual(spots.sort());
});

test('links within the page lead somewhere, and each code can be linked to', () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-');
  const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map((match) => slug(match[1] as string));
  // Each code is one, alone in its heading or beside it.
  const marks = [...page.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1] as string);
  expect(documented.filter((code) => ![...anchors, ...marks].includes(code))).toEqual([]);
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] as string);
  expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
});
