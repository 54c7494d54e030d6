'use strict';
/**
 * dist/cli/main.js and dist/bundle/: the command and what it needs of its packages, in a few files of
 * which a command reads its own. docs/INTERNALS.md ("Start-up") says why. The other files of dist/ are
 * tsc's, for those who use sysieve as a library, and for the tests.
 */
const {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { basename, join, relative } = require('node:path');
const { buildSync, transformSync } = require('esbuild');

const ROOT = join(__dirname, '..');
const DIST = join(ROOT, 'dist');
/** As deep as dist/cli, so that what lies beside dist/ is found from both in the same way. */
const CHUNKS = join(DIST, 'bundle');

// Less to read at each start. Names stay: stack traces are for people.
const MINIFY = { minifySyntax: true, minifyWhitespace: true, lineLimit: 120 };

/** Only when it changes, and whole: the command may be running. */
function replace(path, contents, mode = 0o644) {
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
  const head = 'The files here and ../cli/main.js contain code of these packages.\n\n';
  return `${head}${texts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

/** One file that imports zod otherwise brings all of it in, and half a megabyte of translations. */
function refuseUnshaken({ inputs }) {
  const translation = Object.keys(inputs).find(
    (path) =>
      inputs[path].bytesInOutput > 0 && /\/zod\/v4\/locales\/(?!(?:en|index)\.js)\w/.test(path),
  );
  if (translation === undefined) return;
  throw new Error(`the bundle has ${translation}: write "import * as z from 'zod'" everywhere`);
}

// esbuild splits ES modules only. Node loads CommonJS faster, so each file is turned into that.
const { outputFiles, metafile } = buildSync({
  absWorkingDir: ROOT,
  entryPoints: ['src/cli/main.ts'],
  outdir: DIST,
  entryNames: 'cli/[name]',
  chunkNames: 'bundle/[name]-[hash]',
  bundle: true,
  splitting: true,
  write: false,
  metafile: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Of CommonJS packages, all would be in it instead of what is used.
  mainFields: ['module', 'main'],
  // Native code, and what drags in megabytes for the few commands that speak to an engine.
  external: ['dockerode', 'ffi-napi', '@grpc/grpc-js', 'protobufjs'],
  legalComments: 'none',
  logLevel: 'warning',
  ...MINIFY,
});
for (const output of Object.values(metafile.outputs)) refuseUnshaken(output);

/**
 * What is asked for at the head of files and used by few commands: it is loaded when something of it
 * is. That is zod, whose own file runs nothing as it is loaded; what starts processes, which commander
 * and the reader of git revisions name; and hashing.
 */
const LATE = [
  ...Object.entries(metafile.outputs)
    .filter(([, { inputs }]) => {
      const paths = Object.keys(inputs);
      return paths.length > 0 && paths.every((path) => path.startsWith('node_modules/zod/'));
    })
    .map(([path]) => `[./a-z]*/${basename(path).replaceAll('.', '\\.')}`),
  'node:child_process',
  'node:crypto',
];

function putOff(code, wanted) {
  const load = `(?:require|\\(0,\\w+\\.__require\\))\\("${wanted}"\\)`;
  return code
    .replace(new RegExp(`(\\b\\w+=)(${load})(?=[,;])`, 'g'), (_, variable, required) => {
      return `${variable}new Proxy({},{get:(_,key)=>${required}[key]})`;
    })
    .replace(new RegExp(`(^|[;\\n])${load};`, 'g'), '$1');
}

mkdirSync(CHUNKS, { recursive: true });
const ENTRY = join(DIST, 'cli', 'main.js');
const made = new Set(['licences.txt']);
// The entry last: until then the old one finds its own files, whose names say their contents.
const chunks = outputFiles.filter(({ path }) => path !== ENTRY);
for (const { path, text } of [...chunks, ...outputFiles.filter((file) => !chunks.includes(file))]) {
  const { code } = transformSync(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    sourcefile: relative(ROOT, path),
    supported: { 'dynamic-import': false },
    ...MINIFY,
  });
  const whole = LATE.reduce(putOff, code);
  replace(path, whole, path === ENTRY ? 0o755 : 0o644);
  made.add(basename(path));
}
replace(join(CHUNKS, 'licences.txt'), licences(Object.keys(metafile.inputs)));
for (const name of readdirSync(CHUNKS)) if (!made.has(name)) rmSync(join(CHUNKS, name));
