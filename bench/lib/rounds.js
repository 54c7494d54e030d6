'use strict';
/** Interleaves the configurations: each round measures every one once, in a new random order. */
const { Answerer } = require('./children.js');
const { shuffled } = require('./stats.js');

const ATTEMPTS = 20;
const SAY_AFTER_MS = 5_000;

/**
 * @typedef {import('./configurations.js').Configuration} Configuration
 *
 * @typedef {object} Sample
 * @property {Record<string, number>} figures
 * @property {number | null} seenShare share of the calls made that the tracer counted
 * @property {boolean} disturbed somebody else traced system calls at the same time
 *
 * @typedef {object} Workload
 * @property {number} pid
 * @property {(configuration: Configuration) => number} callsMade by warm-up and measurement; 0: unknown
 * @property {(configuration: Configuration) => Promise<void>} warmUp
 * @property {(configuration: Configuration) => Promise<Record<string, number>>} measure
 *
 * @typedef {object} Outcome
 * @property {Record<string, Sample[]>} samples by configuration, one a round
 * @property {number} repeated measurements thrown away because somebody else traced
 * @property {number} disturbed measurements kept although somebody else traced
 */

/**
 * @param {object} options
 * @param {Workload} options.workload
 * @param {Configuration[]} options.configurations
 * @param {number} options.rounds
 * @param {number} options.patienceMs how long to wait for other tracers to leave, each time
 * @param {Record<string, string>} options.built
 * @param {number} options.otherPid
 * @param {(line: string) => void} options.log
 * @returns {Promise<Outcome>}
 */
async function runRounds(options) {
  const { workload, configurations, rounds, built, otherPid } = options;
  const counter = new Answerer(/** @type {string} */ (built['count-tracers']));
  /** @param {number} [pid] */
  const countTracers = async (pid) =>
    Number(await counter.ask(pid === undefined ? '' : String(pid)));
  const context = { pid: workload.pid, otherPid, countTracers, built };
  /** @type {Outcome} */
  const outcome = { samples: {}, repeated: 0, disturbed: 0 };
  for (const { name } of configurations) outcome.samples[name] = [];

  /** @param {Configuration} configuration @returns {Promise<Sample>} */
  const once = async (configuration) => {
    await waitForQuiet(countTracers, options.patienceMs, options.log);
    const detach = await configuration.attach(context);
    /** @type {Record<string, number>} */
    let figures;
    let seen = null;
    let disturbed = false;
    try {
      await workload.warmUp(configuration);
      const before = await countTracers();
      figures = await workload.measure(configuration);
      const after = await countTracers();
      disturbed = before !== configuration.programs || after !== configuration.programs;
    } finally {
      seen = await detach();
    }
    const made = workload.callsMade(configuration);
    if (configuration.exact && made > 0 && seen !== null && seen !== made) {
      throw new Error(`${configuration.label} counted ${seen} of ${made} calls`);
    }
    return { figures, seenShare: seen === null || made === 0 ? null : seen / made, disturbed };
  };

  for (let round = 1; round <= rounds; round++) {
    for (const configuration of shuffled(configurations)) {
      let sample = await once(configuration);
      for (let i = 1; i < ATTEMPTS && sample.disturbed && options.patienceMs > 0; i++) {
        outcome.repeated++;
        sample = await once(configuration);
      }
      if (sample.disturbed) outcome.disturbed++;
      outcome.samples[configuration.name]?.push(sample);
    }
    options.log(`round ${round} of ${rounds}`);
  }
  await counter.end();
  return outcome;
}

/**
 * @param {() => Promise<number>} countTracers
 * @param {number} patienceMs
 * @param {(line: string) => void} log
 */
async function waitForQuiet(countTracers, patienceMs, log) {
  const started = Date.now();
  let said = false;
  while ((await countTracers()) > 0 && Date.now() < started + patienceMs) {
    if (!said && Date.now() > started + SAY_AFTER_MS) {
      log('waiting: somebody else traces system calls on this host');
      said = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

module.exports = { runRounds };
