/** `record --all`: every container of one image or label, each a run. */
import { randomUUID } from 'node:crypto';
import { recordAll } from '../capture/record-all';
import type { Wanted } from '../capture/wanted';
import { containerSource, findContainer, HIDDEN_LABELS } from '../engines';
import { SysieveError } from '../errors';
import { checkDestination } from '../io';
import { missing } from '../minimise';
import type { Run } from '../recording';
import { ShownContainers } from './live/containers';
import { modeOf, View } from './live/view';
import { say as sayLine } from './output';
import type { Options } from './record-options';
import { writeRuns } from './recorded';
import { stdoutTwice } from './streams';

export async function recordEvery(command: readonly string[], options: Options): Promise<void> {
  refuseOthers(command, options);
  await checkDestination(options.output);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => ending.abort());
  }
  const { wanted, engine } = await wantedBy(options);
  const source = await containerSource({ engine });
  const say = (text: string): void => sayLine(`sysieve: ${text}`);
  const shown = new ShownContainers();
  const view = new View(process.stderr, shown, {
    mode: modeOf(process.stderr, options.quiet === true),
    shared: false,
  });
  let timer: NodeJS.Timeout | undefined;
  const started = Date.now();
  let runs: Run[];
  try {
    runs = await recordAll(
      source,
      { wanted, programs: options.programs },
      {
        signal: ending.signal,
        onReady(what) {
          say(`recording ${what}`);
          shown.what = what;
          view.start();
          if (options.duration !== undefined) {
            timer = setTimeout(() => ending.abort(), options.duration);
          }
        },
        onProgress: (progress) => {
          shown.progress = progress;
        },
        onNote: say,
      },
    );
  } finally {
    clearTimeout(timer);
    view.end();
  }
  await writeRuns(options.output, runs, randomUUID());
  for (const line of summaryOfAll(runs)) say(line);
  if (options.output !== '-') say(`written to ${options.output}`);
  if (options.json === true) tell(options.output, runs, Date.now() - started);
}

function refuseOthers(command: readonly string[], options: Options): void {
  const given = [
    command.length > 0 ? 'a command' : null,
    options.pid !== undefined ? '--pid' : null,
    options.cgroup !== undefined ? '--cgroup' : null,
    options.pod !== undefined ? '--pod' : null,
    options.entryOnly === true ? '--entry-only' : null,
    options.untilStable !== undefined ? '--until-stable' : null,
    options.stateDir !== undefined ? '--state-dir' : null,
    options.detach === true ? '--detach' : null,
    options.tracer === 'ptrace' || options.tracer === 'notify'
      ? `--tracer ${options.tracer}`
      : null,
  ].filter((other) => other !== null);
  if (given.length > 0) {
    throw new SysieveError(
      'usage',
      'all-unfit',
      `--all and ${given.join(' and ')} exclude each other`,
      {
        remedy: 'Leave one of them out: --all follows containers, and with the ebpf tracer alone.',
      },
    );
  }
  const chosen = [options.image, options.label, options.container].filter((o) => o !== undefined);
  if (chosen.length !== 1) {
    throw new SysieveError(
      'usage',
      'target-unclear',
      '--all needs one way to tell which containers',
      {
        remedy:
          'Give one of --image IMAGE, --label KEY[=VALUE], or --container NAME for its image.',
      },
    );
  }
  if (options.json === true && options.output === '-') {
    throw stdoutTwice();
  }
}

async function wantedBy(options: Options): Promise<{ wanted: Wanted; engine: Options['engine'] }> {
  const { engine } = options;
  if (options.container !== undefined) {
    const info = await findContainer(options.container, { engine });
    return { wanted: { kind: 'image', image: info.image }, engine: info.engine };
  }
  if (options.image !== undefined)
    return { wanted: { kind: 'image', image: options.image }, engine };
  const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(options.label ?? '') ?? [];
  if (key === '') {
    throw new SysieveError('usage', 'label-invalid', '--label needs the key of a label', {
      remedy: 'Write it as KEY or KEY=VALUE, e.g. com.docker.compose.service=web.',
    });
  }
  if (HIDDEN_LABELS.includes(key)) {
    throw new SysieveError('usage', 'label-invalid', `engines do not tell of a label "${key}"`, {
      cause: 'in an event it cannot be told from what the engine itself says under that name',
      remedy: 'Use another label, or --image.',
    });
  }
  return { wanted: { kind: 'label', key, value: value ?? null }, engine };
}

interface Totals {
  calls: number;
  distinct: number;
  denied: number;
  executables: number;
}

function totalsOf(runs: readonly Run[]): Totals {
  const calls = runs.flatMap((run) => run.calls);
  return {
    calls: calls.reduce((sum, call) => sum + call.count, 0),
    distinct: new Set(calls.map(({ abi, number }) => `${abi} ${number}`)).size,
    denied: calls.reduce((sum, call) => sum + call.denied.count, 0),
    executables: new Set(runs.flatMap((run) => run.executables)).size,
  };
}

function summaryOfAll(runs: readonly Run[]): string[] {
  const { calls, distinct, denied, executables } = totalsOf(runs);
  const refused = denied > 0 ? `, ${denied} denied` : '';
  const containers = new Set(runs.map(({ target }) => target.id)).size;
  const what = runs.length === containers ? '' : ` in ${runs.length} runs`;
  const counts = `${calls} calls, ${distinct} distinct, ${executables} executable(s)${refused}`;
  const lines = [`${containers} container(s)${what}, ${counts}`];
  if (runs.length === 0) return [...lines, 'NOT complete: no such container was seen'];
  const reasons = new Map<string, string[]>();
  for (const run of runs) {
    const reason = missing(run).join('; ');
    if (reason === '') continue;
    reasons.set(reason, [...(reasons.get(reason) ?? []), run.target.name || (run.target.id ?? '')]);
  }
  if (reasons.size === 0) {
    return [...lines, 'complete: a start of each was seen and nothing was lost'];
  }
  for (const [reason, names] of reasons) {
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    lines.push(
      `NOT complete: ${names.length} of ${runs.length} (${names.slice(0, NAMED).join(', ')}${more}): ${reason}`,
    );
  }
  return lines;
}

const NAMED = 5;

function tell(recording: string, runs: readonly Run[], durationMs: number): void {
  const incomplete = runs
    .filter((run) => !run.completeness.complete)
    .map(({ id, target, completeness }) => ({ run: id, container: target.id, completeness }));
  const summary = {
    version: 1,
    recording,
    runs: runs.length,
    containers: new Set(runs.map(({ target }) => target.id)).size,
    durationMs,
    ...totalsOf(runs),
    complete: runs.length > 0 && incomplete.length === 0,
    incomplete,
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}
