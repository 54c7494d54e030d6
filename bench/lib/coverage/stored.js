'use strict';
/** What was recorded of an application, in fixtures/coverage. */
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { gunzipSync, gzipSync } = require('node:zlib');
const { ROOT } = require('../build.js');

const STORED = join(ROOT, 'fixtures', 'coverage');

/** @typedef {'about' | 'benchmark' | 'suite' | 'reach'} Part */

/** @param {string} app @param {Part} part */
const file = (app, part) => join(STORED, app, `${part}.json.gz`);

/** @param {string} app @param {Part} part @param {string} text */
function store(app, part, text) {
  mkdirSync(join(STORED, app), { recursive: true });
  writeFileSync(file(app, part), gzipSync(text, { level: 9 }));
}

/** @param {string} app @param {Part} part */
function stored(app, part) {
  return gunzipSync(readFileSync(file(app, part))).toString('utf8');
}

module.exports = { store, stored };
