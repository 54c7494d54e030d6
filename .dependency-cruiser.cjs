// What may import what; docs/INTERNALS.md says why. Every folder of src/ is named here: one that is
// not fails "folder-without-a-rule", so that a new folder cannot slip by.
const allowed = {
  errors: [],
  tables: [],
  json: ['errors'],
  recording: ['tables', 'errors', 'json'],
  profile: ['tables', 'errors', 'json'],
  policy: ['tables', 'errors'],
  minimise: ['recording', 'profile', 'policy', 'tables', 'errors', 'json'],
  merge: ['recording', 'profile', 'policy', 'tables', 'errors'],
  verify: ['recording', 'profile', 'policy', 'minimise', 'tables', 'errors'],
  review: ['tables', 'errors', 'json'],
  render: ['review', 'tables', 'errors'],
  diff: ['review', 'profile', 'policy', 'tables', 'errors', 'json'],
  lint: ['review', 'profile', 'policy', 'tables', 'errors', 'json'],
  explain: ['review', 'profile', 'policy', 'tables', 'errors', 'json'],
  import: ['profile', 'tables', 'errors', 'json'],
  io: ['errors', 'tables', 'recording', 'profile', 'policy'],
  libseccomp: ['errors', 'tables', 'recording', 'profile', 'policy'],
  engines: ['errors', 'tables', 'recording', 'io'],
  capture: ['errors', 'tables', 'recording', 'engines', 'io'],
};

const pure = [
  'errors',
  'json',
  'tables',
  'recording',
  'profile',
  'policy',
  'minimise',
  'merge',
  'verify',
  'review',
  'render',
  'diff',
  'lint',
  'explain',
  'import',
];
const folders = [...Object.keys(allowed), 'cli'];
const inFolder = (names) => `^src/(${names.join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(allowed).map(([folder, imports]) => ({
      name: `${folder}-imports-only-its-own`,
      comment: `src/${folder} may import ${imports.length ? imports.join(', ') : 'no other folder'}.`,
      severity: 'error',
      from: { path: inFolder([folder]) },
      to: { path: '^src/', pathNot: inFolder([folder, ...imports]) },
    })),
    {
      name: 'pure-folders-do-no-io',
      comment: 'Data in, data out: these run on any system, without kernel, addon or FFI.',
      severity: 'error',
      from: { path: inFolder(pure) },
      to: {
        path: '^(node:)?(fs|child_process|net|http|https|http2|dgram|tls|dns|os|process|readline|worker_threads|cluster)(/|$)',
      },
    },
    {
      name: 'pure-folders-use-few-packages',
      severity: 'error',
      from: { path: inFolder(pure) },
      to: {
        dependencyTypes: ['npm', 'npm-optional', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^node_modules/(zod|lossless-json|yaml)/',
      },
    },
    {
      name: 'addon-only-in-binding',
      comment: 'One file loads the addon; everything else works where there is none.',
      severity: 'error',
      from: { pathNot: '^src/capture/binding\\.ts$' },
      to: { path: '\\.node$' },
    },
    {
      name: 'ffi-only-in-libseccomp',
      severity: 'error',
      from: { pathNot: '^src/libseccomp/' },
      to: { path: '^node_modules/(ffi-napi|ref-napi|@2060\\.io)/' },
    },
    {
      name: 'engine-client-only-in-engines',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engines/' },
      to: { path: '^node_modules/dockerode/' },
    },
    {
      name: 'command-line-only-in-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^node_modules/commander/' },
    },
    {
      name: 'src-never-imports-tests-or-scripts',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|fixtures|dist)/' },
    },
    {
      name: 'folder-without-a-rule',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: inFolder(folders) },
      to: {},
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-dev-packages-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json', '.node'] },
  },
};
