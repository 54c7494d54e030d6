'use strict';
/** Source trees and servers from Debian's packages, unpacked below one directory; nothing is installed. */
const { execFileSync } = require('node:child_process');
const { mkdirSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whose source packages have the suites. */
const SOURCES = [
  'haproxy',
  'lighttpd',
  'memcached',
  'mosquitto',
  'postgresql-15',
  'redis',
  'rsync',
  'sqlite3',
  'stunnel4',
];
/** Servers that scripts/setup does not install, and what their suites are built and driven with. */
const BINARIES = [
  'haproxy',
  'libvarnishapi3',
  'lighttpd',
  'lighttpd-mod-deflate',
  'mosquitto',
  'postgresql-server-dev-15',
  'libpq-dev',
  'rsync',
  'stunnel4',
  'varnish',
];

/** That which this machine's own packages come from. */
function archive() {
  const wanted = ['Created-By: Packages', 'Origin: Debian', 'Label: Debian'];
  const found = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...wanted], {
    encoding: 'utf8',
  });
  const [uri] = found.split('\n');
  if (uri === undefined || uri === '')
    throw new Error("apt knows no archive of Debian: run 'apt-get update'");
  return uri.replace(/\/*$/, '');
}

/**
 * apt with lists, cache and sources of its own: the machine's are neither read nor changed.
 * @param {string} base @param {string} program @param {string[]} args @param {string} cwd
 */
function apt(base, program, args, cwd) {
  const own = join(base, 'apt');
  const options = [
    `Dir::Etc::sourcelist=${join(own, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(own, 'lists')}`,
    `Dir::Cache=${own}`,
    'APT::Sandbox::User=root',
  ];
  execFileSync(program, [...options.flatMap((option) => ['-o', option]), '-q', ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** @param {string} base */
function packages(base) {
  const own = join(base, 'apt');
  const src = join(base, 'src');
  const debs = join(base, 'debs');
  const root = join(base, 'root');
  for (const folder of [
    join(own, 'lists', 'partial'),
    join(own, 'archives', 'partial'),
    src,
    debs,
    root,
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  const trees = readdirSync(src);
  const sources = SOURCES.filter(
    (name) => !trees.some((tree) => new RegExp(`^${name}-[0-9][^_]*$`).test(tree)),
  );
  const files = readdirSync(debs);
  const binaries = BINARIES.filter((name) => !files.some((file) => file.startsWith(`${name}_`)));
  if (sources.length + binaries.length === 0) return;
  writeFileSync(
    join(own, 'sources.list'),
    ['deb', 'deb-src']
      .map((kind) => `${kind} [signed-by=${KEYS}] ${archive()} bookworm main\n`)
      .join(''),
  );
  apt(base, 'apt-get', ['update'], base);
  if (sources.length > 0) apt(base, 'apt-get', ['source', ...sources], src);
  if (binaries.length > 0) apt(base, 'apt-get', ['download', ...binaries], debs);
  for (const file of readdirSync(debs)) execFileSync('dpkg-deb', ['-x', join(debs, file), root]);
}

/** The upstream version of what lies unpacked there. @param {string} base @param {string} source */
function version(base, source) {
  const tree = readdirSync(join(base, 'src')).find((name) =>
    new RegExp(`^${source}-[0-9][^_]*$`).test(name),
  );
  return tree?.slice(source.length + 1) ?? '';
}

module.exports = { packages, version };
