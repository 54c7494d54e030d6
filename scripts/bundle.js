'use strict';
/**
 * dist/cli/main.js: the command and the packages that it needs, as one file. Each file inside runs
 * when it is first needed; what no command needs is not in it. docs/INTERNALS.md says why.
 */
const { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { buildSync } = require('esbuild');

const ROOT = join(__dirname, '..');
const OUT = join(ROOT, 'dist', 'cli');

/** Only when it changes, and whole: the command may be running. */
function replace(name, contents, mode) {
  const path = join(OUT, name);
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(contents))) return;
  writeFileSync(`${path}.new`, contents, { mode });
  renameSync(`${path}.new`, path);
}

/** The licences of the packages whose code is in the bundle: they ask to be handed on with it. */
function licences(inputs) {
  const packages = new Set(
    inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []),
  );
  const texts = [...packages].sort().map((name) => {
    const directory = join(ROOT, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence to hand on`);
    return `${name} ${version}\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`;
  });
  return `main.js contains code of these packages.\n\n${texts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

const { outputFiles, metafile } = buildSync({
  absWorkingDir: ROOT,
  entryPoints: ['src/cli/main.ts'],
  outfile: join(OUT, 'main.js'),
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The other kind of build cannot be shaken: whole packages instead of what is used of them.
  mainFields: ['module', 'main'],
  // Native code, and what drags in megabytes for the few commands that speak to an engine.
  external: ['dockerode', 'ffi-napi'],
  legalComments: 'none',
  logLevel: 'warning',
});
const [bundle] = outputFiles;
replace('main.js', bundle.text, 0o755);
replace('main.licences.txt', licences(Object.keys(metafile.inputs)), 0o644);
