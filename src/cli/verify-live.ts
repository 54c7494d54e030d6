/** `sysieve verify PROFILE` on a real run: a command, a container, an image; and its repair. */
import { randomUUID } from 'node:crypto';
import { relative } from 'node:path';
import { diff } from '../diff';
import { containerControl, type EngineChoice, PLAIN_CONTAINER } from '../engines';
import { EXIT, SysieveError } from '../errors';
import { evidencePath, readTextFile, sourceName, writeFilesAtomic } from '../io';
import { type EngineDefaults, type RuntimeChoice, selectBaselines, type Tier } from '../minimise';
import {
  type Evidence,
  type Profile,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from '../profile';
import type { Run } from '../recording';
import { widthOf, wrap } from '../render/layout';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { compileForBoth, machineOf } from '../staging/compiled';
import { profilePath, readConfig, selectApps } from '../staging/config-file';
import { deniedCalls } from '../staging/denied';
import { deniedTable } from '../staging/denied-table';
import { deniedText } from '../staging/denied-text';
import { type Repaired, repair } from '../staging/repair';
import type { DeniedCall, NamedApp } from '../staging/types';
import {
  appUnder,
  commandUnder,
  containerUnder,
  imageUnder,
  refuseBlindRun,
  type Under,
  type UnderHooks,
} from '../staging/under-profile';
import { containerSide } from './live-side';
import { emit, emitJson, say, warn } from './output';
import { profileSide } from './profile-side';
import { renderReport, screenOf } from './review';
import { terminalSentToo } from './signals';
import { printable } from './terminal';

export interface LiveFlags {
  app?: string;
  config?: string;
  container?: string;
  image?: string;
  like?: string;
  engine: EngineChoice;
  tracer: string;
  duration?: number;
  repair?: true;
  allow: string[];
  args: Tier;
  engineDefault?: EngineDefaults;
  maxRounds: number;
  dryRun?: true;
  runtime: RuntimeChoice;
  baselines?: string;
  evidence?: string;
  json?: true;
}

type Target =
  | { kind: 'app'; app: NamedApp }
  | { kind: 'command'; command: readonly string[] }
  | { kind: 'container'; name: string }
  | { kind: 'image'; image: string; command: readonly string[] };

/** null: no real run was asked for. */
export async function targetOf(
  flags: LiveFlags,
  command: readonly string[],
): Promise<Target | null> {
  const { app, container, image } = flags;
  if (app !== undefined) {
    if (container !== undefined || image !== undefined || command.length > 0) {
      throw new SysieveError('usage', 'target-unclear', '--app goes with no other target', {
        remedy: 'Give one of --app, --container, --image, or -- COMMAND.',
      });
    }
    const [named] = selectApps(await readConfig(flags.config), [app]);
    return named === undefined ? null : { kind: 'app', app: named };
  }
  if (image === undefined && flags.like !== undefined) {
    throw new SysieveError('usage', 'like-without-image', '--like goes with --image');
  }
  if (container !== undefined && (image !== undefined || command.length > 0)) {
    throw new SysieveError('usage', 'target-unclear', '--container goes with no other target', {
      remedy: 'Give one of --container, --image, or -- COMMAND.',
    });
  }
  if (container !== undefined) return { kind: 'container', name: container };
  if (image !== undefined) return { kind: 'image', image, command };
  return command.length > 0 ? { kind: 'command', command } : null;
}

/** The profile that an app's configuration names, as the user would name it. */
export function profileOfTarget(target: Target | null): string | null {
  if (target?.kind !== 'app') return null;
  const path = profilePath(target.app);
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function refuseTracer(tracer: string): void {
  if (tracer === 'auto' || tracer === 'ebpf') return;
  throw new SysieveError('usage', 'denied-unseen', `--tracer ${tracer} cannot tell denied calls`, {
    cause:
      tracer === 'ptrace'
        ? 'it stops before a filter is asked, so that a denied call looks like one that failed'
        : 'its filter stands above others, which answer without its being asked',
    remedy:
      "Leave --tracer out: verify needs eBPF, and with it root; 'sysieve doctor' says what is lacking.",
  });
}

/** Ends at --duration, and at a signal: the first is the command's where there is one. */
function ending(duration: number | undefined): { hooks: UnderHooks; over(): void } {
  const end = new AbortController();
  let kill: ((signal: NodeJS.Signals) => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (kill === null || signals > 1) end.abort();
    else if (!terminalSentToo(signal)) kill(signal);
  };
  const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    hooks: {
      signal: end.signal,
      onNote: (text) => say(`sysieve: ${text}`),
      onReady: () => {
        say('sysieve: watching for denied calls');
        if (duration !== undefined) timer = setTimeout(() => end.abort(), duration);
      },
      onStarted: (how) => {
        kill = how;
      },
    },
    over() {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

function sideOf(profile: Profile, label: string) {
  const text = serializeProfile(profile);
  const source = { label, text, source: label, path: 'profile.json' };
  return profileSide({ ...source, evidence: null, withoutBase: false });
}

/** Throws where the container runs under another filter than the profile's. */
async function sameFilter(profile: Profile, id: string, engine: EngineChoice): Promise<void> {
  const installed = await containerSide(`container:${id.slice(0, 12)}`, id, engine);
  const report = diff(await sideOf(profile, 'the profile'), installed, {});
  if (report.verdict === 'identical' || report.verdict === 'equivalent') return;
  // What differs is what the user needs to see; the error says what it means.
  process.stderr.write(await renderReport(report, 'terminal', screenOf(process.stderr)));
  throw new SysieveError(
    'check',
    'filter-differs',
    'the container does not run under this profile, so its run says nothing about it',
    {
      cause: `its filter ${report.verdict === 'mixed' ? 'permits other calls' : `${report.verdict} what the profile permits`}`,
      remedy: 'Recreate it with --security-opt seccomp=PROFILE, or verify with --image.',
    },
  );
}

async function runUnder(target: Target, profile: Profile, flags: LiveFlags): Promise<Under> {
  const { hooks, over } = ending(flags.duration);
  try {
    switch (target.kind) {
      case 'command':
        return await commandUnder(target.command, profile, flags.json === true, hooks);
      case 'app':
        return await appUnder(target.app, profile, hooks);
      case 'container': {
        const check = (id: string) => sameFilter(profile, id, flags.engine);
        return await containerUnder(target.name, flags.engine, profile, check, {
          signal: hooks.signal,
          onNote: hooks.onNote,
          onReady: () => hooks.onReady?.(),
        });
      }
      case 'image': {
        const { image } = target;
        const control = await containerControl({ engine: flags.engine, image });
        const base = flags.like === undefined ? PLAIN_CONTAINER : await control.specOf(flags.like);
        const command = target.command.length > 0 ? target.command : null;
        const own = flags.like === undefined ? {} : { entrypoint: base.entrypoint };
        return await imageUnder(
          control,
          {
            ...base,
            ...own,
            image,
            name: 'sysieve-verify',
            ...(command === null ? {} : { entrypoint: null, command }),
          },
          profile,
          { signal: hooks.signal, onNote: hooks.onNote, onReady: () => hooks.onReady?.() },
        );
      }
    }
  } finally {
    over();
  }
}

interface Outcome {
  rounds: number;
  /** Of the last run. */
  denied: DeniedCall[];
  ended: string;
  profile: Profile;
  evidence: Evidence | null;
  added: string[];
  leftOut: Repaired['leftOut'];
}

async function verifyOnce(target: Target, profile: Profile, flags: LiveFlags) {
  const under = await runUnder(target, profile, flags);
  refuseBlindRun(under);
  say(`sysieve: ${under.ended}`);
  const denied = deniedCalls(under.run, profile);
  return { ...under, denied, refused: denied.filter(({ fallback }) => !fallback) };
}

/** Round after round, since a program reaches its next call only once this one passes. */
async function rounds(
  target: Target,
  start: { profile: Profile; evidence: Evidence | null; runs: readonly Run[] },
  flags: LiveFlags,
): Promise<Outcome> {
  const baselines = selectBaselines(
    flags.runtime === 'none'
      ? []
      : await loadBaselines(flags.baselines ?? BASELINES_DIRECTORY, flags.baselines !== undefined),
    flags.runtime,
  );
  let { profile, evidence } = start;
  let recordings = [...start.runs];
  const added = new Set<string>();
  for (let round = 1; ; round++) {
    const { run, ended, denied, refused } = await verifyOnce(target, profile, flags);
    const done = (leftOut: Repaired['leftOut']): Outcome => ({
      ...{ rounds: round, denied, ended, profile, evidence, leftOut },
      added: [...added].sort(),
    });
    if (flags.repair !== true || refused.length === 0) return done([]);
    const repaired = repair({
      ...{ profile, evidence, run, denied: refused, recordings, baselines },
      machine: machineOf(profile),
      compile: compileForBoth,
      allow: flags.allow,
      args: flags.args,
      engineDefaults: flags.engineDefault ?? null,
    });
    for (const warning of repaired.warnings) warn(warning);
    if (!repaired.changed && repaired.leftOut.length === 0) throw notTheProfile(refused);
    if (!repaired.changed) return done(repaired.leftOut);
    say(`sysieve: round ${round}: folded in ${repaired.added.join(', ')}`);
    profile = repaired.profile;
    evidence = repaired.evidence;
    for (const name of repaired.added) added.add(name);
    if (start.runs.length > 0) {
      recordings = [...recordings, { ...repaired.needed, id: randomUUID() }];
    }
    if (target.kind === 'container' || round === flags.maxRounds) return done(repaired.leftOut);
  }
}

function notTheProfile(refused: readonly DeniedCall[]): SysieveError {
  const names = refused.map(({ name, number }) => name ?? `#${number}`).join(', ');
  return new SysieveError('input', 'denied-by-another', `the profile permits ${names} already`, {
    cause: 'another filter denied it: one of the program itself, or of who started it',
    remedy:
      "Look at its filters with 'sysieve diff PROFILE container:NAME': no profile permits what a further filter denies.",
  });
}

export async function verifyLive(
  file: string,
  target: Target,
  read: { evidence: Evidence | null; runs: readonly Run[] },
  flags: LiveFlags,
): Promise<void> {
  refuseTracer(flags.tracer);
  if (flags.repair !== true && (flags.dryRun === true || flags.allow.length > 0)) {
    throw new SysieveError('usage', 'usage', '--dry-run and --allow go with --repair');
  }
  if (flags.repair === true && file === '-' && flags.dryRun !== true) {
    throw new SysieveError('usage', 'usage', '--repair writes the profile back: name its file', {
      remedy: 'Give a file, or look only: --repair --dry-run.',
    });
  }
  const before = parseProfile(await readTextFile(file), sourceName(file));
  const outcome = await rounds(target, { profile: before, ...read }, flags);
  await tell(file, target, before, outcome, flags);
}

async function write(file: string, { profile, evidence }: Outcome, flags: LiveFlags) {
  const beside = flags.evidence ?? evidencePath(file);
  // In this order: never a profile without its evidence.
  await writeFilesAtomic([
    ...(evidence === null ? [] : [{ path: beside, data: serializeEvidence(evidence) }]),
    { path: file, data: serializeProfile(profile) },
  ]);
}

async function tell(
  file: string,
  target: Target,
  before: Profile,
  outcome: Outcome,
  flags: LiveFlags,
): Promise<void> {
  const { denied, added, leftOut, rounds: count, ended } = outcome;
  const refused = denied.filter(({ fallback }) => !fallback);
  const fallbacks = denied.filter(({ fallback }) => fallback);
  if (added.length > 0 && flags.dryRun !== true) await write(file, outcome, flags);
  if (refused.length > 0) process.exitCode = EXIT.check;
  const changes =
    added.length === 0
      ? null
      : diff(await sideOf(before, `${file} before`), await sideOf(outcome.profile, file), {});
  if (flags.json === true) {
    const report =
      changes && JSON.parse(await renderReport(changes, 'json', screenOf(process.stdout)));
    await emitJson({
      version: 1,
      verdict: refused.length === 0 ? 'none-denied' : 'denied',
      ended,
      denied,
      ...(flags.repair === true
        ? {
            repair: {
              rounds: count,
              added,
              leftOut,
              written: added.length > 0 && flags.dryRun !== true,
              diff: report,
            },
          }
        : {}),
    });
  } else {
    const lines = [
      ...(refused.length === 0 ? [] : deniedLines(refused)),
      ...(changes === null
        ? []
        : [(await renderReport(changes, 'terminal', screenOf(process.stdout))).trimEnd()]),
    ];
    if (lines.length > 0) await emit(`${lines.join('\n')}\n`);
  }
  for (const { name, reason } of leftOut) {
    say(`left out: ${name}, ${reason}; if the application needs it, say --allow ${name}`);
  }
  if (fallbacks.length > 0) {
    const names = fallbacks.map(({ name }) => name).join(', ');
    say(`answered ENOSYS by the profile itself, as it means to: ${names}`);
  }
  say(summary(refused.length, outcome, target, flags));
}

/** A table; where one is too wide for the screen, a line for each call, wrapped. */
function deniedLines(refused: readonly DeniedCall[]): string[] {
  const { columns } = screenOf(process.stdout);
  const table = deniedTable(refused).map(printable);
  if (table.every((line) => widthOf(line) <= columns)) return table;
  const layout = { columns, colour: false };
  return [
    'denied:',
    ...refused.flatMap((call) => wrap([{ text: '  ' }], [{ text: deniedText(call) }], layout)),
  ];
}

function summary(refused: number, outcome: Outcome, target: Target, flags: LiveFlags): string {
  const { added, rounds: count } = outcome;
  const calls = `${refused} ${refused === 1 ? 'call was' : 'calls were'} denied`;
  if (flags.repair !== true || added.length === 0) {
    return refused === 0 ? 'no call was denied' : calls;
  }
  const how = flags.dryRun === true ? 'not written (--dry-run)' : 'written, proved';
  if (target.kind === 'container') {
    return `repaired: ${how}; the container keeps its filter until it is recreated with the profile`;
  }
  return refused === 0
    ? `repaired in ${count} rounds: ${how}; no call was denied in the last`
    : `repaired: ${how}; ${calls} in the last of ${count} rounds`;
}
