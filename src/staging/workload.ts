/** The workload: its steps, one after the other. */
import { DEFAULTS, milliseconds, type Step } from '../config';
import { SysieveError } from '../errors';
import { runHere } from './host';
import { lastLines } from './output';
import type { Subject } from './subject';
import type { NamedApp } from './types';

export function stepsOf({ app }: NamedApp): readonly Step[] {
  const { workload } = app;
  if (workload === undefined) return [];
  return Array.isArray(workload) ? workload : [workload];
}

async function once(step: Step, app: NamedApp, subject: Subject, signal: AbortSignal) {
  const env = step.env ?? {};
  return step.in === 'container'
    ? subject.exec(step.command, { env, signal })
    : runHere(step.command, { cwd: app.directory, env: { ...subject.env, ...env }, signal });
}

/** Runs all steps once, with their repeats. A step that fails is a SysieveError with its output. */
export async function runWorkload(
  app: NamedApp,
  subject: Subject,
  signal: AbortSignal,
): Promise<void> {
  for (const [index, step] of stepsOf(app).entries()) {
    const limit = milliseconds(step.timeout ?? DEFAULTS.stepTimeout);
    const failed = (how: string, output: string): SysieveError =>
      new SysieveError(
        'check',
        'workload-failed',
        `${app.name}: workload step ${index + 1} (${step.command.join(' ')}) ${how}`,
        {
          cause: `the step: ${lastLines(output)}; the app: ${subject.output}`,
          remedy: 'Check the step in sysieve.config.json, or give it more time with its timeout.',
        },
      );
    for (let n = 0; n < (step.repeat ?? 1); n++) {
      const late = AbortSignal.timeout(limit);
      const { status, output } = await once(
        step,
        app,
        subject,
        AbortSignal.any([signal, late]),
      ).catch((thrown: unknown) => {
        signal.throwIfAborted();
        if (late.aborted) throw failed(`took longer than ${limit / 1000} s`, '');
        throw thrown;
      });
      signal.throwIfAborted();
      if (late.aborted) throw failed(`took longer than ${limit / 1000} s`, output);
      if (status !== 0) throw failed(`ended with status ${status}`, output);
    }
  }
}
