/**
 * What a reviewer gets, byte for byte: the sample repository's changes in every format. After a change
 * that is meant to be seen, SYSIEVE_GOLDENS=write writes the files anew; look at them before committing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type SampleRepository, sampleRepository } from '../support/sample-repository';

const ROOT = path.join(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/cli/main.js');
const GOLDENS = path.join(ROOT, 'fixtures/review/goldens');
const WRITE = process.env.SYSIEVE_GOLDENS === 'write';

let dir: string;
let sample: SampleRepository;

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-goldens-'));
  sample = sampleRepository(path.join(dir, 'repository'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const FORMATS: readonly [file: string, format: string, columns: number][] = [
  ['terminal-80.txt', 'terminal', 80],
  ['terminal-120.txt', 'terminal', 120],
  ['comment.md', 'markdown', 80],
  ['report.json', 'json', 80],
  ['report.sarif', 'sarif', 80],
  ['annotations.txt', 'github', 80],
  ['report.html', 'html', 80],
];

const REVIEWS: readonly [name: string, args: readonly string[]][] = [
  ['diff-1-2', ['diff', 'HEAD~2:app.json', 'HEAD~1:app.json']],
  ['diff-2-3', ['diff', 'HEAD~1:app.json', 'HEAD:app.json']],
  ['diff-1-3', ['diff', 'HEAD~2:app.json', 'HEAD:app.json']],
  ['lint-3', ['lint', 'HEAD:app.json']],
];

function shown(args: readonly string[], format: string, columns: number): string {
  return execFileSync(process.execPath, [MAIN, ...args, '--format', format], {
    cwd: sample.dir,
    env: { ...sample.env, COLUMNS: String(columns), NO_COLOR: '1' },
    encoding: 'utf8',
  });
}

describe.each(REVIEWS)('%s', (name, args) => {
  it.each(FORMATS)('%s', (file, format, columns) => {
    const golden = path.join(GOLDENS, name, file);
    const text = shown(args, format, columns);
    if (WRITE) {
      mkdirSync(path.dirname(golden), { recursive: true });
      writeFileSync(golden, text);
    }
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });
});
