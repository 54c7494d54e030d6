'use strict';
/**
 * stage-package.js DIRECTORY: lays out the npm package. Its JavaScript has everything of other packages
 * inside, so it depends on none: nothing is looked up, downloaded, compiled or run when it is installed.
 */
const { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const { execFileSync } = require('node:child_process');
const { Extractor, ExtractorConfig } = require('@microsoft/api-extractor');
const { buildSync } = require('esbuild');
const { RULE, licences } = require('./bundle');

const ROOT = join(__dirname, '..');
const STAGE = resolve(process.argv[2]);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** As they are. Only what git has of them: a clone may have more lying about. */
const TAKEN = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'binding.gyp',
  'docs',
  // For whoever wants to link another libbpf or libelf into the addon, as their licences allow.
  'native',
  'profiles',
  'scripts/pack-native',
  'scripts/lib.sh',
];
const LEFT = /^native\/test\//;

function take() {
  const listed = execFileSync('git', ['ls-files', '-z', '--', ...TAKEN], { cwd: ROOT });
  for (const path of listed.toString().split('\0')) {
    if (path === '' || LEFT.test(path)) continue;
    mkdirSync(dirname(join(STAGE, path)), { recursive: true });
    cpSync(join(ROOT, path), join(STAGE, path));
  }
}

/** The declarations of what package.json exports, each as one file without what it does not show. */
function declarations(entry) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(ROOT, 'api-extractor.json'),
    packageJsonFullPath: join(ROOT, 'package.json'),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: join(ROOT, entry),
      compiler: { tsconfigFilePath: join(ROOT, 'tsconfig.json') },
      dtsRollup: { enabled: true, untrimmedFilePath: join(STAGE, libraryOf(entry)) },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'none' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true;
    },
  });
  if (!succeeded) throw new Error(`the declarations of ${entry} cannot be written as one file`);
}

function libraryOf(path) {
  return path.replace('dist/', 'dist/library/');
}

function dist() {
  for (const name of ['bundle', 'cli/main.js']) {
    cpSync(join(ROOT, 'dist', name), join(STAGE, 'dist', name), { recursive: true });
  }
  for (const { types } of Object.values(manifest.exports)) {
    if (types !== undefined) declarations(types);
  }
}

/** ffi-napi and ref-napi as one file. node-gyp-build looks for what npm would have compiled. */
function ffi() {
  const directory = join(STAGE, 'prebuilds', 'linux-x64-glibc');
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: ['ffi-napi'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    external: ['node-gyp-build'],
    legalComments: 'none',
  });
  // ref-napi is loaded by ffi-napi before that asks for its own.
  const beside = ['./ref.node', './ffi.node'];
  const call = /require\("node-gyp-build"\)\([^()]*\([^()]*\)\)/g;
  const { text } = outputFiles[0];
  const calls = [...text.matchAll(call)];
  if (calls.length !== beside.length) throw new Error(`ffi-napi loads ${calls.length} binaries`);
  writeFileSync(
    join(directory, 'ffi-napi.js'),
    text.replace(call, () => `require("${beside.shift()}")`),
  );
  return Object.keys(metafile.inputs);
}

/** What is inside the native files, and under which licence. dist/ has its own, in dist/bundle. */
function notices(inputs) {
  const texts = join(ROOT, 'build', 'pack', 'licences');
  const parts = [
    readFileSync(join(ROOT, 'scripts', 'notices.txt'), 'utf8'),
    licences([...inputs, 'node_modules/node-addon-api/napi.h']),
    ...readdirSync(texts)
      .sort()
      .map((name) => `${name}\n\n${readFileSync(join(texts, name), 'utf8').trim()}\n`),
  ];
  writeFileSync(join(STAGE, 'NOTICES'), parts.join(RULE));
}

function writeManifest() {
  const { name, version, description, license, author, keywords, bin, man, engines, os } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([key, target]) => [
      key,
      typeof target === 'string'
        ? target
        : { types: libraryOf(target.types), default: libraryOf(target.default) },
    ]),
  );
  const { default: main, types } = exports['.'];
  const staged = {
    name,
    version,
    description,
    license,
    author,
    keywords,
    bin,
    man,
    main,
    types,
    exports,
  };
  // No install script, and none of npm's own making for the binding.gyp that lies there.
  const text = { ...staged, engines, os, gypfile: false };
  writeFileSync(join(STAGE, 'package.json'), `${JSON.stringify(text, null, 2)}\n`);
}

take();
dist();
notices(ffi());
writeManifest();
