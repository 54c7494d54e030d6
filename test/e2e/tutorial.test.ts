/** docs/tutorial.md, run as it stands: a user with Docker, sysieve on the PATH and an empty directory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CliResult, runCommand, startDocker, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged, ROOT } from '../support/recorder';

interface Block {
  script: string;
  exits: number;
  /** Texts that the output holds, in this order. */
  prints: string[];
}

/** The blocks to run, each with what is said to come of it. */
function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  for (const [, info = '', body = ''] of markdown.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)) {
    const [language, ...flags] = info.split(' ');
    if (language === 'text') {
      found.at(-1)?.prints.push(...body.trimEnd().split('\n'));
    } else if (language === 'sh') {
      const exits = flags.find((flag) => flag.startsWith('exits='))?.slice('exits='.length);
      found.push({ script: body, exits: Number(exits ?? 0), prints: [] });
    } else throw new Error(`a block of ${info}`);
  }
  return found;
}

const BLOCKS = blocks(readFileSync(path.join(ROOT, 'docs/tutorial.md'), 'utf8'));

privileged('the tutorial', () => {
  let engine: TestEngine;
  let home: string;
  let directory: string;

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'sysieve-tutorial-'));
    mkdirSync(path.join(home, 'bin'));
    const command = `#!/bin/sh\nexec ${process.execPath} ${ROOT}/dist/cli/main.js "$@"\n`;
    writeFileSync(path.join(home, 'bin/sysieve'), command, { mode: 0o755 });
    directory = home;
    engine = await startDocker(mkdtempSync(path.join(tmpdir(), 'sysieve-engine-')));
    await importImages(engine, ['busybox']);
    await engine.cli('tag', imageRef('busybox'), 'busybox:latest');
  });

  afterAll(async () => {
    await engine?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  /** As typed into one shell: a `cd` of one block holds for the next. */
  async function run(script: string): Promise<CliResult> {
    const end = path.join(home, 'directory');
    const whole = `set -e\ncd ${directory}\ntrap 'pwd > ${end}' EXIT\n${script}`;
    const { CI: _, ...outside } = { ...process.env, ...engine.env };
    const env = { ...outside, PATH: `${home}/bin:${process.env.PATH}` };
    const result = await runCommand('bash', ['-c', whole], env);
    directory = readFileSync(end, 'utf8').trim();
    return result;
  }

  test('it has blocks to run, and one that fails', () => {
    expect(BLOCKS.length).toBeGreaterThan(8);
    expect(BLOCKS.filter((block) => block.exits === 1)).toHaveLength(1);
  });

  test.each(BLOCKS.map((block, i) => ({ ...block, i })))('block $i', async (block) => {
    const { code, stdout, stderr } = await run(block.script);
    const printed = stdout + stderr;
    expect([block.script, printed, code]).toEqual([block.script, printed, block.exits]);
    let from = 0;
    for (const text of block.prints) {
      expect(printed.slice(from)).toContain(text);
      from = printed.indexOf(text, from) + text.length;
    }
  });
});
