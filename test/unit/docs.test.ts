/** The documents say what is so: links lead somewhere, commands, flags, scripts and paths are there. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { COMMANDS } from '../../src/cli/program';
import { readingProgram } from '../support/command-lines';
import { anchorsOf, documentFindings, linksOf, type World } from '../support/documents';

const ROOT = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The changelog tells of what was, too. */
function documents(): string[] {
  return execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && file !== 'CHANGELOG.md' && existsSync(join(ROOT, file)));
}

let world: World;
beforeAll(async () => {
  world = {
    program: await readingProgram(),
    scripts: Object.keys(JSON.parse(read('package.json')).scripts),
  };
});

const findings = (text: string, file = 'docs/sample.md') => documentFindings(file, text, world);

test('nothing in the documents is dead or stale', () => {
  expect(documents().flatMap((file) => findings(read(file), file))).toEqual([]);
});

const SOUND = `
# A sample & its [parts](EXPORT.md)

See [itself](#a-sample--its-parts), [another](INTERNALS.md#exit-statuses), [a folder](adr) and
[the web](https://docs.kernel.org/bpf/).

## Twice
## Twice

[second](#twice-1) \`src/cli/program.ts\`, \`src/cli/{diff,lint}.ts\`, \`test/unit/*.test.ts\`,
\`docs/reference/COMMAND.md\`, \`native/bpf/group_table\`, \`npm run qa\`, \`sysieve minimise --explain\`,
\`sysieve record [--pid N|--cgroup PATH] -o FILE\`, \`sysieve failed in a way it should not\`

\`\`\`sh
sudo sysieve record --container "my web" \\
  --duration 10m -o web.json   # until then
sysieve minimise web.json … --runtime runc | cat && X=1 npx sysieve check --format github > out.txt
\`\`\`
`;

test('a sound document has no findings', () => {
  expect(findings(SOUND)).toEqual([]);
});

test.each([
  [
    'a dead link',
    '[x](nowhere.md)',
    'the link (nowhere.md) leads to docs/nowhere.md, which is not there',
  ],
  [
    'a dead anchor',
    '[x](EXPORT.md#no-such-heading)',
    /names no heading of docs\/EXPORT\.md; there: /,
  ],
  [
    'a dead anchor here',
    '[x](#gone)',
    'the link (#gone) names no heading of docs/sample.md; there: a-sample--its-parts, twice, twice-1',
  ],
  ['a way out', '[x](../../etc/passwd)', 'the link (../../etc/passwd) leads out of the repository'],
  ['no address', '[x](https://)', 'the link (https://) is no address'],
  ['not https', '[x](http://docs.kernel.org/)', /is http: and not https:/],
  ['a host with a slip', '[x](https://githbu.com/a)', /is on githbu\.com, which/],
  [
    'an unknown command',
    '`sysieve minimice a.json`',
    "`sysieve minimice a.json`: unknown command 'minimice' (Did you mean one of minimise, minimize?)",
  ],
  [
    'a message that is printed no more',
    '`sysieve runs out of patience`',
    "`sysieve runs out of patience`: unknown command 'runs' (Did you mean run?)",
  ],
  [
    'a stale flag in a sentence',
    '`sysieve diff --semantic`',
    "`sysieve diff --semantic`: unknown option '--semantic'",
  ],
  [
    'a stale flag over a line end',
    '`sysieve diff\n--semantic`',
    "`sysieve diff --semantic`: unknown option '--semantic'",
  ],
  [
    'a stale flag in a block',
    '```sh\nsysieve merge a b \\\n  -o c --sorted\n```',
    "`sysieve merge a b -o c --sorted`: unknown option '--sorted'",
  ],
  [
    'a stale flag of a step',
    '```yaml\n- run: npx sysieve check --strict\n```',
    "`sysieve check --strict`: unknown option '--strict'",
  ],
  ['a wrong choice', '`sysieve minimise --args lax`', /Allowed choices are none, safe, strict/],
  [
    'a missing argument in a block',
    '```\nsysieve diff a.json\n```',
    "`sysieve diff a.json`: missing required argument 'new'",
  ],
  [
    'a missing option in a block',
    '```\nsysieve minimise a.json\n```',
    /required option '-o, --output <profile>' not specified/,
  ],
  [
    'a script that is gone',
    '`npm run deploy`',
    '`npm run deploy`: package.json has no such script',
  ],
  ['a path that is gone', '`src/cli/gone.ts`', '`src/cli/gone.ts`: there is no src/cli/gone.ts'],
  [
    'one of several paths',
    '`src/cli/{diff,gone}.ts`',
    '`src/cli/{diff,gone}.ts`: there is no src/cli/gone.ts',
  ],
  [
    'a pattern without a match',
    '`test/unit/*.spec.ts`',
    '`test/unit/*.spec.ts`: there is no test/unit/*.spec.ts',
  ],
])('%s is one finding, at its line', (_what, wrong, expected) => {
  const lines = SOUND.split('\n').length;
  const found = findings(`${SOUND}\n${wrong}\n`);
  expect(found).toHaveLength(1);
  const [, line, what] = /^docs\/sample\.md:(\d+): (.*)$/s.exec(found[0] ?? '') ?? [];
  if (typeof expected === 'string') expect(what).toBe(expected);
  else expect(what).toMatch(expected);
  expect(Number(line)).toBeGreaterThan(lines);
  expect(Number(line)).toBeLessThanOrEqual(lines + 2);
});

test('anchors are GitHub’s', () => {
  const text = '# `a.b` — C_d (E)!\n```\n# no heading\n```\n## é, *x*\n';
  expect([...anchorsOf(text)]).toEqual(['ab--c_d-e', 'é-x']);
});

test('every command has its page in the reference, and the index leads to each', () => {
  const index = linksOf(read('docs/reference/README.md')).map(({ target }) => target);
  const names = COMMANDS.map(({ name }) => name);
  expect(index).toEqual(expect.arrayContaining(names.map((name) => `${name}.md`)));
  const pages = readdirSync(join(ROOT, 'docs/reference')).filter((file) => file !== 'README.md');
  expect(pages.filter((page) => !index.includes(page))).toEqual([]);
});
