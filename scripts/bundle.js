'use strict';
/**
 * dist/cli/main.js and dist/bundle/: the command and what it needs of its packages, in a few files of
 * which a command reads its own. docs/INTERNALS.md ("Start-up") says why. The other files of dist/ are
 * tsc's, for those who use sysieve as a library, and for the tests.
 *
 * With --library DIRECTORY the same is made of what package.json exports, in DIRECTORY/dist/library/:
 * for the package, which depends on no other (docs/PACKAGING.md).
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
const { basename, join, relative, resolve } = require('node:path');
const { buildSync, transformSync } = require('esbuild');

const ROOT = join(__dirname, '..');
const DIST = join(ROOT, 'dist');
/** As deep as dist/cli, so that what lies beside dist/ is found from both in the same way. */
const CHUNKS = join(DIST, 'bundle');
const CLIENTS = join(CHUNKS, 'engine-clients.js');

// Less to read at each start. Names stay: stack traces are for people.
const MINIFY = { minifySyntax: true, minifyWhitespace: true, lineLimit: 120 };

/** Only when it changes, and whole: the command may be running. */
function replace(path, contents, mode = 0o644) {
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(contents))) return;
  writeFileSync(`${path}.new`, contents, { mode });
  renameSync(`${path}.new`, path);
}

const RULE = `\n${'-'.repeat(72)}\n\n`;

/** What a package says about its licence: the file, or where it has none, its package.json. */
function licence(directory) {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(ROOT, directory, 'package.json'), 'utf8'),
  );
  const file = readdirSync(join(ROOT, directory)).find((entry) => /^licen[cs]e/i.test(entry));
  const by = typeof author === 'object' ? author.name : author;
  if (file === undefined && (typeof license !== 'string' || by === undefined)) {
    throw new Error(`${directory} has no licence to hand on`);
  }
  const text =
    file === undefined
      ? `${license}; by ${by}. The package has no text of it.`
      : readFileSync(join(ROOT, directory, file), 'utf8').trim();
  return `${name} ${version}\n\n${text}\n`;
}

/** The licences of the packages whose code is in the bundle: they ask to be handed on with it. */
function licences(inputs) {
  const directories = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  );
  const head = 'The files of dist/ contain code of these packages.\n\n';
  return `${head}${[...directories]
    .sort()
    .map(licence)
    .join(`\n${'-'.repeat(72)}\n\n`)}`;
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

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
  ...MINIFY,
};

/** ES modules that share their chunks. Of CommonJS packages, all would be in them. */
function split(entryPoints, outdir, names) {
  const { outputFiles, metafile } = buildSync({
    ...COMMON,
    entryPoints,
    outdir,
    splitting: true,
    format: 'esm',
    mainFields: ['module', 'main'],
    // Native code, and the clients of engines.
    external: ['ffi-napi', ...Object.keys(ENGINE_CLIENTS)],
    // No line may break in a name that askClients looks for.
    lineLimit: 0,
    ...names,
  });
  for (const output of Object.values(metafile.outputs)) refuseUnshaken(output);
  return { outputFiles, metafile };
}

/** Megabytes for the few commands that speak to an engine: one file that those read. */
const ENGINE_CLIENTS = {
  dockerode: 'dockerode',
  '@grpc/grpc-js': 'grpc',
  'protobufjs/light': 'protobuf',
};

function bundleClients() {
  const getters = Object.entries(ENGINE_CLIENTS).map(
    ([name, key]) => `get ${key}() { return require('${name}'); }`,
  );
  const { outputFiles, metafile } = buildSync({
    ...COMMON,
    stdin: { contents: `module.exports = { ${getters.join(', ')} };`, resolveDir: ROOT },
    format: 'cjs',
    // ssh2 does without both.
    external: ['cpu-features', '*.node'],
  });
  replace(CLIENTS, outputFiles[0].text);
  return metafile;
}

function askClients(text) {
  return Object.entries(ENGINE_CLIENTS).reduce(
    (code, [name, key]) =>
      code.replaceAll(`__require("${name}")`, `__require("../bundle/${basename(CLIENTS)}").${key}`),
    text,
  );
}

/** esbuild splits ES modules only. Node loads CommonJS faster, so each file is turned into that. */
function toCommonJs({ path, text }) {
  const { code } = transformSync(askClients(text), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    sourcefile: relative(ROOT, path),
    supported: { 'dynamic-import': false },
    ...MINIFY,
  });
  return code;
}

/**
 * What is asked for at the head of files and used by few commands: it is loaded when something of it
 * is. That is zod, whose own file runs nothing as it is loaded; what starts processes, which commander
 * and the reader of git revisions name; and hashing.
 */
function late(metafile) {
  return [
    ...Object.entries(metafile.outputs)
      .filter(([, { inputs }]) => {
        const paths = Object.keys(inputs);
        return paths.length > 0 && paths.every((path) => path.startsWith('node_modules/zod/'));
      })
      .map(([path]) => `[./a-z]*/${basename(path).replaceAll('.', '\\.')}`),
    'node:child_process',
    'node:crypto',
  ];
}

function putOff(code, wanted) {
  const load = `(?:require|\\(0,\\w+\\.__require\\))\\("${wanted}"\\)`;
  return code
    .replace(new RegExp(`(\\b\\w+=)(${load})(?=[,;])`, 'g'), (_, variable, required) => {
      return `${variable}new Proxy({},{get:(_,key)=>${required}[key]})`;
    })
    .replace(new RegExp(`(^|[;\\n])${load};`, 'g'), '$1');
}

function prune(directory, made) {
  for (const name of readdirSync(directory)) if (!made.has(name)) rmSync(join(directory, name));
}

function bundleCommand() {
  const { outputFiles, metafile } = split(['src/cli/main.ts'], DIST, {
    entryNames: 'cli/[name]',
    chunkNames: 'bundle/[name]-[hash]',
  });
  mkdirSync(CHUNKS, { recursive: true });
  const clients = bundleClients();
  const entry = join(DIST, 'cli', 'main.js');
  const wanted = late(metafile);
  const made = new Set(['licences.txt', basename(CLIENTS)]);
  // The entry last: until then the old one finds its own files, whose names say their contents.
  const chunks = outputFiles.filter(({ path }) => path !== entry);
  for (const file of [...chunks, ...outputFiles.filter((file) => !chunks.includes(file))]) {
    replace(
      file.path,
      wanted.reduce(putOff, toCommonJs(file)),
      file.path === entry ? 0o755 : 0o644,
    );
    made.add(basename(file.path));
  }
  const inputs = [metafile, clients].flatMap(({ inputs }) => Object.keys(inputs));
  const head = 'The files of dist/ contain code of these packages.\n\n';
  replace(join(CHUNKS, 'licences.txt'), `${head}${licences(inputs)}`);
  prune(CHUNKS, made);
}

/** The entries that package.json exports, under the names that they have in dist/. */
function bundleLibrary(directory) {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const entries = Object.values(exports)
    .map((target) => /^\.\/dist\/(.+)\.js$/.exec(target.default ?? '')?.[1])
    .filter((name) => name !== undefined);
  const { outputFiles } = split(
    entries.map((name) => `src/${name}.ts`),
    join(directory, 'dist'),
    { entryNames: 'library/[name]', chunkNames: 'library/[name]-[hash]' },
  );
  mkdirSync(join(directory, 'dist', 'library'), { recursive: true });
  for (const file of outputFiles) replace(file.path, toCommonJs(file));
}

module.exports = { RULE, licences };
if (require.main === module) {
  if (process.argv[2] === '--library') bundleLibrary(resolve(process.argv[3]));
  else bundleCommand();
}
