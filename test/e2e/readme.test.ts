/** The README's five minutes, run as they stand: a user with Docker, an image nginx and sysieve. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CliResult, runCommand, startDocker, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged, ROOT } from '../support/recorder';

const SECTION = '## Five minutes with Docker\n';
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const BLOCKS = [
  ...(README.split(SECTION)[1]?.split('\n## ')[0] ?? '').matchAll(
    /^```sh(?: exits=(\d+))?\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm,
  ),
].map(([, exits = '0', script = '', prints = '']) => ({
  title: script.split('\n', 1)[0],
  exits: Number(exits),
  script,
  prints,
}));

privileged("the README's five minutes", () => {
  let engine: TestEngine;
  let home: string;

  function typed(script: string): Promise<CliResult> {
    const env = { ...process.env, ...engine.env, PATH: `${home}/bin:${process.env.PATH}` };
    return runCommand('bash', ['-c', `set -e\ncd ${home}/work\n${script}`], env);
  }

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'sysieve-readme-'));
    const at = (name: string) => path.join(home, name);
    for (const name of ['bin', 'image', 'work']) mkdirSync(at(name));
    const command = `#!/bin/sh\nexec ${process.execPath} ${ROOT}/dist/cli/main.js "$@"\n`;
    writeFileSync(at('bin/sysieve'), command, { mode: 0o755 });
    engine = await startDocker(mkdtempSync(path.join(tmpdir(), 'sysieve-engine-')));
    await importImages(engine, ['nginx']);
    writeFileSync(at('image/listen.conf'), 'listen 127.0.0.1:80;\n');
    writeFileSync(
      at('image/Dockerfile'),
      `FROM ${imageRef('nginx')}\nCOPY listen.conf /conf/listen.conf\nCMD ["/usr/sbin/nginx"]\n`,
    );
    await engine.cli('build', '-q', '-t', 'nginx', at('image'));
  });

  afterAll(async () => {
    // Where a block failed, its recording goes on.
    await typed('sysieve stop web -o - > /dev/null');
    await engine?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('they have blocks to run, and one that is denied', () => {
    expect(BLOCKS.length).toBeGreaterThan(6);
    expect(BLOCKS.filter(({ exits, prints }) => exits === 1 && prints !== '')).toHaveLength(1);
  });

  test.each(BLOCKS)('$title', async ({ exits, script, prints }) => {
    const { code, stdout, stderr } = await typed(script);
    expect([stdout + stderr, code]).toEqual([expect.stringContaining(prints.trimEnd()), exits]);
  });
});
