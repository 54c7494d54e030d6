'use strict';
/** bench/policy: what it takes to know what a profile means, and where two profiles differ. */
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { estimate } = require('./stats.js');

const DIST = join(__dirname, '..', '..', 'dist');
const ROUNDS = 31;
const RUNC = { runtime: 'runc', machine: 'x86_64' };
const DOCKER = {
  capabilities: ['CAP_CHOWN', 'CAP_KILL'],
  kernelVersion: '6.1',
  architecture: 'x86_64',
};

/** @param {() => unknown} work @returns {number} milliseconds */
function timed(work) {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

function main() {
  if (!existsSync(join(DIST, 'policy', 'index.js'))) {
    process.stderr.write("policy: sysieve is not built: run 'npm run build'\n");
    process.exit(4);
  }
  const { defaultProfile } = require(join(DIST, 'profile'));
  const { differences, policyOfProfile } = require(join(DIST, 'policy'));
  const plain = defaultProfile('docker', undefined, DOCKER);
  const more = defaultProfile('docker', undefined, {
    ...DOCKER,
    capabilities: [...DOCKER.capabilities, 'CAP_SYS_ADMIN'],
  });
  const rows = [
    ["policy of moby's default", 30, () => policyOfProfile(plain, RUNC)],
    [
      'comparison of two of them',
      50,
      (() => {
        const [a, b] = [policyOfProfile(plain, RUNC), policyOfProfile(more, RUNC)];
        return () => differences(a, b);
      })(),
    ],
  ];
  for (const [name, goal, work] of /** @type {[string, number, () => unknown][]} */ (rows)) {
    const first = timed(work);
    const { median, low, high } = estimate(Array.from({ length: ROUNDS }, () => timed(work)));
    const shown = [first, median, low ?? Number.NaN, high ?? Number.NaN].map((ms) => ms.toFixed(2));
    process.stdout.write(
      `${name}: first ${shown[0]} ms, median ${shown[1]} ms (${shown[2]} to ${shown[3]}), ` +
        `goal ${goal} ms: ${median <= goal ? 'met' : 'MISSED'}\n`,
    );
  }
}

module.exports = { main };
