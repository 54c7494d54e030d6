'use strict';
/** The computed figures, for real: the suite under the profile in complain mode. */
const { spawnSync } = require('node:child_process');
const { closeSync, openSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('../build.js');

/** @type {(name: string) => any} */
const dist = (name) => require(join(ROOT, 'dist', name));
/** @type {typeof import('../../../src/recording')} */
const { parseRecording } = dist('recording');

/**
 * What the application called beyond the profile while its suite ran.
 * @param {{ base: string, harness: string, app: string, executables: RegExp, profile: string }} what
 * @returns {string[]} names
 */
function complained({ base, harness, app, executables, profile }) {
  const path = join(base, app, 'profile.json');
  const output = join(base, app, 'complain.json');
  writeFileSync(path, profile);
  const log = openSync(join(base, app, 'complain.log'), 'w');
  const cli = join(ROOT, 'dist', 'cli', 'main.js');
  const { status } = spawnSync(
    process.execPath,
    [cli, 'run', '--profile', path, '--complain', '-o', output, '--', harness, 'suite', app],
    { env: { ...process.env, COVERAGE_BASE: base }, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  if (status !== 0)
    throw new Error(`${app}: the suite under its profile ended with status ${status}`);
  const { runs } = parseRecording(readFileSync(output, 'utf8'), output);
  const names = runs.flatMap((run) =>
    run.calls
      .filter((call) =>
        call.executables.some((index) => executables.test(run.executables[index] ?? '')),
      )
      .map((call) => call.name ?? `#${call.number}`),
  );
  return [...new Set(names)].sort();
}

module.exports = { complained };
