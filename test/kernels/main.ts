/** Boots each kernel (or those named), and holds what works in it against docs/KERNELS.md. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { type Found, KERNELS, type Kernel, TRACERS } from './matrix';

const ROOT = join(__dirname, '..', '..');
const TABLE = join(ROOT, 'docs', 'KERNELS.md');
const GUEST = join(ROOT, 'out', 'kernels', 'guest.js');
const SECONDS = '420';
const BEGIN = '<!-- table: npm run test:kernels -- -u -->\n';
const END = '<!-- end -->\n';

function run(command: string, args: string[]): string {
  const { status, stdout } = spawnSync(join(ROOT, command), args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return stdout;
}

function look(kernel: Kernel): Found {
  const place = join('build', 'kernels', kernel.name);
  run('scripts/fetch-kernel', [place, kernel.suite, kernel.package]);
  const began = Date.now();
  const stdout = run('scripts/vm', ['-t', SECONDS, '-k', place, process.execPath, GUEST]);
  const found: Found = JSON.parse(stdout);
  const seconds = Math.round((Date.now() - began) / 1000);
  process.stderr.write(`${kernel.name}: Linux ${found.release}, ${seconds} s\n`);
  return found;
}

/** 6.1.0-56-rt-amd64 → 6.1: patch levels change every few weeks. */
function row(kernel: Kernel, { release, cells }: Found): string {
  const version = /^\d+\.\d+/.exec(release)?.[0] ?? release;
  return `| ${version} (${kernel.name}) | ${TRACERS.map(({ name }) => cells[name]).join(' | ')} |\n`;
}

function main(): void {
  const update = process.argv.includes('-u');
  mkdirSync(join(ROOT, 'out', 'kernels'), { recursive: true });
  // One file: each one more that node reads takes its time in an emulated machine.
  buildSync({
    entryPoints: [join(__dirname, 'guest.ts')],
    outfile: GUEST,
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: ['*.node'],
  });
  const wanted = process.argv.slice(2).filter((argument) => argument !== '-u');
  const names = TRACERS.map(({ name }) => name);
  const text = readFileSync(TABLE, 'utf8');
  const [before, rest = ''] = text.split(BEGIN);
  const [there, after = ''] = rest.split(END);
  let table = `| Linux (Debian's suite) | ${names.join(' | ')} |\n|${'---|'.repeat(names.length + 1)}\n`;
  const problems: string[] = [];
  for (const kernel of KERNELS) {
    if (wanted.length > 0 && !wanted.includes(kernel.name)) {
      table += new RegExp(`^.*\\(${kernel.name}\\).*\n`, 'm').exec(there ?? '')?.[0] ?? '';
      continue;
    }
    const found = look(kernel);
    table += row(kernel, found);
    problems.push(...found.problems.map((problem) => `${kernel.name}: ${problem}`));
  }
  process.stdout.write(table);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (update) {
    writeFileSync(TABLE, `${before}${BEGIN}${table}${END}${after}`);
  } else if (there !== table) {
    process.stderr.write(`docs/KERNELS.md has another table:\n${there}`);
  }
  process.exitCode = problems.length > 0 || (!update && there !== table) ? 1 : 0;
}

main();
