'use strict';
/** One application under each setting: what is denied of its suite, and what is permitted in vain. */
const { join } = require('node:path');
const { ROOT } = require('../build.js');

/** @type {(name: string) => any} */
const dist = (name) => require(join(ROOT, 'dist', name));
/** @type {typeof import('../../../src/minimise')} */
const { DEFAULT_OPTIONS, observe } = dist('minimise');
/** @type {typeof import('../../../src/staging/make-profile')} */
const { makeProfile } = dist('staging/make-profile');
/** @type {typeof import('../../../src/verify')} */
const { recordedAndRefused } = dist('verify');
/** @type {typeof import('../../../src/profile')} */
const { defaultProfile } = dist('profile');
/** @type {typeof import('../../../src/tables')} */
const { ENGINE_CAPABILITIES, riskTier, syscallNumber } = dist('tables');
/** @type {typeof import('../../../src/staging/reachable')} */
const { reachableOf } = dist('staging/reachable');

/** @typedef {import('../../../src/recording').Recording} Recording */
/** @typedef {import('../../../src/reach').Reach} Reach */
/** @typedef {import('../../../src/profile').Profile} Profile */
/** @typedef {{ profile: Profile, evidence: import('../../../src/verify').ProveInput['evidence'] }} Judged */
/** @typedef {{ benchmark: Recording, suite: Recording, reach: Reach, baselines: any }} Recorded */

/** @type {readonly { name: string, portable: boolean, reach: 'none' | 'likely' | 'all' }[]} */
const SETTINGS = [
  { name: 'recording alone', portable: false, reach: 'none' },
  { name: '--portable', portable: true, reach: 'none' },
  { name: '--reach likely', portable: false, reach: 'likely' },
  { name: '--portable --reach likely', portable: true, reach: 'likely' },
  { name: '--reach all', portable: false, reach: 'all' },
];
const DOCKER = "Docker's default";
/** It answers clone3 with ENOSYS, upon which libc takes clone. */
const FALLBACK = { calls: [{ name: 'clone3', why: ['fallback'] }], excluded: [] };

/** @param {Profile} profile @param {string} action */
function names(profile, action) {
  const rules = profile.syscalls.filter((rule) => rule.action === action);
  const all = new Set(rules.flatMap((rule) => rule.names));
  return new Set([...all].filter((name) => syscallNumber('x86_64', name) !== null));
}

/** @param {Recording} recording names of the calls that were made @returns {Set<string>} */
function called(recording) {
  return new Set(
    observe(recording.runs).flatMap(({ name, passed }) => (passed && name !== null ? [name] : [])),
  );
}

/** @param {Judged} what @param {Recording} suite what of it would have been denied */
function denied({ profile, evidence }, suite) {
  const { refused } = recordedAndRefused({
    profile,
    evidence,
    runs: suite.runs,
    machine: 'x86_64',
    compiled: null,
  });
  const permitted = names(profile, 'SCMP_ACT_ALLOW');
  const all = new Set(
    refused.map(({ requirement }) => requirement.name ?? `#${requirement.number}`),
  );
  const byName = [...all].filter((name) => !permitted.has(name)).sort();
  const byArgument = [...all].filter((name) => permitted.has(name)).sort();
  return { byName, byArgument };
}

/**
 * As `sysieve minimise` makes it.
 * @param {Recorded} recorded
 * @param {Partial<import('../../../src/minimise').MinimiseOptions>} more
 */
function made({ benchmark, reach, baselines }, more) {
  const options = { ...DEFAULT_OPTIONS, reachable: reachableOf(reach, benchmark.runs), ...more };
  return makeProfile({ recording: benchmark, baselines, options }, () => {});
}

/** The profile under a setting, as text. @param {Recorded} recorded @param {string} wanted */
function profileUnder(recorded, wanted) {
  const setting = SETTINGS.find(({ name }) => name === wanted);
  if (setting === undefined) throw new RangeError(`no setting ${wanted}`);
  const { result, profileText } = made(recorded, {
    portable: setting.portable,
    reach: setting.reach,
  });
  return { profileText, answered: names(result.profile, 'SCMP_ACT_ERRNO') };
}

/** Whether it is there as another word for a recorded call, and for nothing else. @param {Judged} what @param {string} name */
function equivalent({ evidence }, name) {
  const entries = evidence?.calls.filter((call) => call.name === name) ?? [];
  return entries.length > 0 && entries.every(({ why }) => why.join() === 'equivalent');
}

/** @param {Recorded} recorded */
function measure(recorded) {
  const { benchmark, suite } = recorded;
  const needed = new Set([...called(benchmark), ...called(suite)]);
  const all = SETTINGS.map(({ name, portable, reach }) => {
    const { profile, evidence } = made(recorded, { portable, reach }).result;
    return { name, what: { profile, evidence: { calls: evidence, excluded: [] } } };
  });
  // Essentials and what runtimes need are in every profile, whatever the setting: they are no surplus.
  const given = new Set(
    [...names(all[0].what.profile, 'SCMP_ACT_ALLOW')].filter((name) => !needed.has(name)),
  );
  /** @param {string} setting @param {Judged} what */
  const row = (setting, what) => {
    const permitted = names(what.profile, 'SCMP_ACT_ALLOW');
    const { byName, byArgument } = denied(what, suite);
    const surplus = [...permitted].filter((name) => !needed.has(name) && !given.has(name)).sort();
    const equivalents = surplus.filter((name) => equivalent(what, name));
    return {
      setting,
      denied: byName.length + byArgument.length,
      deniedByName: byName,
      deniedByArgument: byArgument,
      deniedInRiskTier: [...byName, ...byArgument].filter((name) => riskTier(name) !== null),
      surplus,
      equivalents,
      size: permitted.size,
    };
  };
  const rows = all.map(({ name, what }) => row(name, what));
  const docker = defaultProfile('docker', undefined, {
    capabilities: ENGINE_CAPABILITIES.docker,
    kernelVersion: benchmark.runs[0]?.host.kernel ?? '6.1',
    architecture: 'x86_64',
  });
  return {
    benchmark: [...called(benchmark)].sort(),
    suite: [...called(suite)].sort(),
    given: [...given].sort(),
    rows: [...rows, row(DOCKER, { profile: docker, evidence: FALLBACK })],
  };
}

module.exports = { SETTINGS, measure, profileUnder };
