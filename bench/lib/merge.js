'use strict';
/** What reading, merging and minimising many recordings takes, on the library in dist/. */
const { join } = require('node:path');

const DIST = join(__dirname, '../../dist');
const GOAL_MS = 1000;

function recordingOf(run, calls, tables) {
  const names = tables.names('x86_64').filter((name) => tables.riskTier(name) === null);
  const recorded = Array.from({ length: calls }, (_, index) => {
    const name = names[(index * 3 + run) % names.length];
    const tracked = tables.trackedArguments('x86_64', name);
    const values = (n) => tracked.map(() => `0x${n.toString(16)}`);
    return {
      abi: 'x86_64',
      number: tables.syscallNumber('x86_64', name),
      name,
      count: 7 + run,
      denied: { count: 0, errnos: {} },
      phases: ['startup', 'steady'],
      executables: [0],
      firstSeenMs: index,
      args:
        tracked === null
          ? null
          : {
              indexes: tracked.map(({ index: register }) => register),
              tuples: [
                { values: values(1), count: 3, phases: ['steady'], executables: [0] },
                { values: values(2), count: 4 + run, phases: ['startup'], executables: [0] },
              ],
              overflow: 0,
              unreadable: 0,
            },
    };
  });
  const unique = [...new Map(recorded.map((call) => [call.number, call])).values()];
  return {
    version: 1,
    runs: [
      {
        id: run.toString(16).padStart(8, '0'),
        tool: { name: 'sysieve', version: '0.1.0' },
        host: { kernel: '6.18.0', machine: 'x86_64', runtime: { name: 'runc', version: '1.1.5' } },
        target: { kind: 'container', engine: 'docker', name: 'web', id: 'abc', image: 'web:1' },
        tracer: 'ebpf',
        start: '2026-01-02T03:04:05Z',
        durationMs: 60_000,
        marks: [],
        executables: ['/usr/sbin/web', '/usr/bin/helper'],
        calls: unique,
        completeness: {
          complete: true,
          startsSeen: 1,
          attachedLate: null,
          callsLost: 0,
          tasksLost: 0,
          namespacesOverLimit: 0,
          cgroupsOverLimit: 0,
          tasksUnstarted: 0,
          callsBeforeStart: 0,
          executablesOverLimit: 0,
          pathsTruncated: 0,
          argumentOverflow: 0,
          numbersUnknown: 0,
          deniedSinceMs: 0,
          blindSpots: [],
        },
      },
    ],
  };
}

function timed(times, step, run) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const result = run();
  const wall = Number(process.hrtime.bigint() - start) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  times[step] ??= [];
  times[step].push({ wall, cpu: (user + system) / 1000 });
  return result;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function main(args) {
  if (
    args.length > 0 &&
    !(args[0] === '--rounds' && /^[1-9]\d*$/.test(args[1] ?? '') && args.length === 2)
  ) {
    process.stderr.write('usage: bench/merge [--rounds N]\n');
    process.exitCode = 2;
    return;
  }
  const rounds = Number(args[1] ?? 7);
  const { mergeRecordings, parseRecording, serializeRecording } = require(join(DIST, 'recording'));
  const { DEFAULT_OPTIONS, minimise } = require(join(DIST, 'minimise'));
  const { prove } = require(join(DIST, 'verify'));
  const { compileForBoth } = require(join(DIST, 'staging/compiled'));
  const tables = require(join(DIST, 'tables'));
  const texts = Array.from({ length: 1000 }, (_, run) =>
    serializeRecording(recordingOf(run, 100, tables)),
  );
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  const times = {};
  for (let round = 0; round < rounds; round += 1) {
    const read = timed(times, 'read', () => texts.map((text) => parseRecording(text, 'bench')));
    const merged = timed(times, 'merge', () => mergeRecordings(read));
    if (merged.runs.length !== texts.length) throw new Error('a run is missing');
    timed(times, 'write', () => serializeRecording(merged));
    timed(times, 'minimise', () => {
      const result = minimise({
        recordings: [merged],
        baselines: [],
        options: { ...DEFAULT_OPTIONS, runtimes: 'none' },
      });
      // As the command does: nothing is written that was not proved.
      const proof = prove({
        profile: result.profile,
        evidence: { calls: result.evidence, excluded: result.excluded },
        runs: merged.runs,
        baselines: [],
        machine: 'x86_64',
        compiled: compileForBoth(result.profile),
      });
      if (!proof.sufficient || !proof.minimal) throw new Error('the profile does not prove');
    });
  }
  process.stdout.write(
    `1,000 recordings of 100 calls, ${(bytes / 1e6).toFixed(1)} MB; ms, median (least) of ${rounds} rounds\n`,
  );
  for (const [step, found] of Object.entries(times)) {
    const wall = found.map((one) => one.wall);
    const cpu = found.map((one) => one.cpu);
    const goal = step === 'merge' || step === 'minimise';
    const verdict = goal ? `  goal ${GOAL_MS}: ${median(wall) <= GOAL_MS ? 'met' : 'missed'}` : '';
    process.stdout.write(
      `${step.padEnd(9)} wall ${median(wall).toFixed(0).padStart(5)} (${Math.min(...wall).toFixed(0)})` +
        `  cpu ${median(cpu).toFixed(0).padStart(5)} (${Math.min(...cpu).toFixed(0)})${verdict}\n`,
    );
  }
}

module.exports = { main };
