import type { Command } from 'commander';
import { examineHost, type Finding } from '../capture/doctor';
import { recordCommand } from '../capture/record';
import { probeEngines } from '../engines';
import { EXIT, SysieveError } from '../errors';
import { notifyAll, version } from '../libseccomp';
import { printable } from './terminal';

export function register(program: Command): void {
  program
    .command('doctor')
    .summary('say what this host lacks for recording and enforcing, and the remedy')
    .description(
      'Tries everything that recording and enforcing need and says what fails, why, and what to do.\n' +
        'Exits 4 when no tracer is usable.',
    )
    .option('--json', 'print the findings as JSON on stdout')
    .action(async (options: { json?: true }) => {
      await doctor(options.json === true);
    });
}

function library(): Finding {
  try {
    return {
      name: 'libseccomp',
      ok: true,
      detail: `version ${version()}: compiles the filters`,
      remedy: null,
    };
  } catch (error) {
    if (!(error instanceof SysieveError)) throw error;
    return {
      name: 'libseccomp',
      ok: false,
      detail: error.message,
      remedy: error.remedy ?? null,
    };
  }
}

const NOTIFY_MS = 10_000;

/** Starts a program under a filter that notifies of every call, and records it to its end. */
async function notifyTracer(): Promise<Finding> {
  const nothing = (): void => undefined;
  const signal = AbortSignal.timeout(NOTIFY_MS);
  const hooks = { signal, onReady: nothing, onProgress: nothing, onNote: nothing };
  const filter = { program: notifyAll(), flags: 0, partial: false };
  const how = { tracer: 'notify', denied: false, programs: 'auto', filter } as const;
  const name = 'tracer notify';
  const finding = (ok: boolean, detail: string, remedy: string | null): Finding => ({
    name,
    ok,
    detail,
    remedy,
  });
  try {
    // A program that is here for certain, and says nothing.
    const { run, exit } = await recordCommand([process.execPath, '-e', ''], how, hooks);
    if (exit?.code === 0 && run.calls.length > 0 && run.completeness.callsLost === 0) {
      return finding(true, 'usable: a command was recorded to its end', null);
    }
    const detail =
      exit === null ? 'the end was not noticed' : 'the command did not run as it should';
    return finding(false, detail, 'Use Linux 5.9 or newer, with CONFIG_SECCOMP_FILTER.');
  } catch (error) {
    if (!(error instanceof SysieveError)) throw error;
    const cause = error.reason === undefined ? '' : ` (${error.reason})`;
    return finding(false, `${error.message}${cause}`, error.remedy ?? null);
  }
}

async function doctor(json: boolean): Promise<void> {
  const findings = process.platform === 'linux' ? examineHost() : [];
  if (process.platform === 'linux') findings.push(await notifyTracer());
  findings.push(library());
  for (const engine of await probeEngines()) findings.push(engineFinding(engine));
  const usable = findings.some((f) => f.ok && f.name.startsWith('tracer '));
  if (json) {
    process.stdout.write(`${JSON.stringify({ version: 1, usable, findings })}\n`);
  } else {
    const width = Math.max(...findings.map((f) => f.name.length));
    for (const { name, ok, detail, remedy } of findings) {
      process.stdout.write(`${ok ? 'ok' : '--'}  ${name.padEnd(width)}  ${printable(detail)}\n`);
      if (remedy !== null) process.stdout.write(`${' '.repeat(width + 6)}${printable(remedy)}\n`);
    }
    process.stdout.write(usable ? 'recording works here\n' : 'no tracer is usable here\n');
  }
  if (!usable) process.exitCode = EXIT.system;
}

function engineFinding(engine: Awaited<ReturnType<typeof probeEngines>>[number]): Finding {
  return {
    name: `engine ${engine.engine}`,
    ok: engine.ok,
    detail: engine.detail,
    remedy: engine.ok
      ? null
      : 'Needed only to record containers by name: start its service, or ignore this.',
  };
}
