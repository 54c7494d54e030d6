/** The README says of other tools only what a release of theirs shows, and of sysieve what a test shows. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** A file at a release or a commit of a public repository: it says the same tomorrow. */
const SOURCE =
  /\]\(https:\/\/github\.com\/[\w-]+\/[\w.-]+\/(?:blob|tree)\/(v?\d[\w.-]*|[0-9a-f]{40})\//g;

function rows(): { tool: string; better: string; different: string; here: string }[] {
  const section = read('README.md').split('## How it compares\n')[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [tool = '', better = '', different = '', here = ''] = line.split('|').slice(1, -1);
    return { tool: tool.trim(), better, different, here };
  });
}

test('six tools are compared', () => {
  expect(rows().map(({ tool }) => tool)).toHaveLength(6);
});

describe.each(rows())('$tool', ({ better, different, here }) => {
  test('what is said of it has a source at a release', () => {
    const said = better + different;
    const links = said.match(/\]\(/g) ?? [];
    expect(links.length).toBeGreaterThan(0);
    expect(said.match(SOURCE)).toHaveLength(links.length);
  });

  test('what is said of sysieve names tests, or a benchmark, that exist', () => {
    const named = [...here.matchAll(/`((?:test|bench)\/[^`]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

/** What an SVG shows, without its line ends; fails where it is no XML. */
const TEXTS = `
import sys, xml.etree.ElementTree as tree
for text in tree.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}text'):
    sys.stdout.write(text.text)
`;

function output(command: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect([stderr, status]).toEqual(['', 0]);
  return stdout;
}

test('the picture is well-formed, and holds the commands of its script', () => {
  const shown = output('python3', ['-c', TEXTS, join(ROOT, 'docs/images/five-minutes.svg')]);
  const commands = output(join(ROOT, 'scripts/make-picture'), ['--commands']).trimEnd().split('\n');
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) expect(shown).toContain(`$ ${command}`);
});
