'use strict';
/** Compiles the C and BPF parts of the benchmark into out/bench/. */
const { execFileSync } = require('node:child_process');
const { mkdirSync, renameSync, rmSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');
const SOURCES = join(ROOT, 'bench');
/** Not below build/, which node-gyp empties. */
const OUT = join(ROOT, 'out', 'bench');

const PROGRAMS = [
  { name: 'syscall-loop', libraries: [] },
  { name: 'attach-empty', libraries: ['-lbpf'] },
  { name: 'count-tracers', libraries: ['-lbpf'] },
];
const OBJECT = 'empty.bpf.o';

/**
 * Into place in one step: another run may be executing the file that is replaced.
 * @param {string} name
 * @param {string} compiler
 * @param {(out: string) => string[]} argumentsFor
 */
function into(name, compiler, argumentsFor) {
  const partial = join(OUT, `.${name}.${process.pid}`);
  try {
    execFileSync(compiler, argumentsFor(partial), { stdio: ['ignore', 'inherit', 'inherit'] });
    renameSync(partial, join(OUT, name));
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * @param {string} name
 * @param {string[]} libraries
 * @returns {string} its path
 */
function compileProgram(name, libraries = []) {
  mkdirSync(OUT, { recursive: true });
  const source = join(SOURCES, `${name}.c`);
  const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
  into(name, process.env.CC || 'cc', (out) => [...flags, '-o', out, source, ...libraries]);
  return join(OUT, name);
}

/** @returns {Record<string, string>} the path of each part by its name */
function build() {
  for (const { name, libraries } of PROGRAMS) compileProgram(name, libraries);
  // Where Debian keeps asm/types.h; clang does not look there when it compiles for BPF.
  const headers = execFileSync('cc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  into(OBJECT, 'clang', (out) => [
    ...['-O2', '-g', '-target', 'bpf', '-Wall', '-Werror', '-isystem', `/usr/include/${headers}`],
    ...['-c', join(SOURCES, 'empty.bpf.c'), '-o', out],
  ]);
  const names = [...PROGRAMS.map(({ name }) => name), OBJECT];
  return Object.fromEntries(names.map((name) => [name, join(OUT, name)]));
}

module.exports = { build, compileProgram, OUT, ROOT };
