/** An application in a container of its own, made for one run and removed after it. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Capture } from '../capture/capture';
import { type Recorded, recordContainer } from '../capture/record';
import { DEFAULTS, milliseconds } from '../config';
import {
  type ContainerControl,
  type ContainerSpec,
  containerControl,
  controlAt,
  findContainer,
} from '../engines';
import { containerSpec } from './container-spec';
import { removeLeftovers } from './leftovers';
import { Output } from './output';
import { APP_LABEL, ownSession, SESSION_LABEL } from './session';
import type { Rehearsal, Rehearsed, Subject } from './subject';

const POLL_MS = 50;
/** For the kernel to let go of the last task, after the engine has said that all ended. */
const LAST_TASK_MS = 5_000;
/** For what it printed to arrive, after its end. */
const LAST_WORDS_MS = 2_000;

/** How the engine's own commands find it. */
const HOST_VARIABLES = { docker: 'DOCKER_HOST', podman: 'CONTAINER_HOST' } as const;

function environment(control: ContainerControl, app: string, name: string): Record<string, string> {
  const env = { SYSIEVE_APP: app, SYSIEVE_CONTAINER: name, SYSIEVE_ENGINE: control.engine };
  if (control.endpoint.kind === 'cli') return env;
  const { path } = control.endpoint;
  return { ...env, SYSIEVE_SOCKET: path, [HOST_VARIABLES[control.engine]]: `unix://${path}` };
}

class ContainerSubject implements Subject {
  readonly output = new Output();
  readonly env: Readonly<Record<string, string>>;
  readonly ended: Promise<number>;
  readonly exec: Subject['exec'];

  constructor(
    private readonly control: ContainerControl,
    private readonly id: string,
    private readonly rehearsal: Rehearsal,
    name: string,
    over: AbortSignal,
  ) {
    this.env = environment(control, rehearsal.app.name, name);
    // Lines are for messages and for readiness; an engine that has none ends in a timeout there.
    const read = control.logs(id, (line) => this.output.add(line), over).catch(() => undefined);
    // Its last words come by another way than its end, and say why it ended.
    this.ended = control.wait(id, over).then(async (status) => {
      await Promise.race([read, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
      return status;
    });
    this.ended.catch(() => undefined);
    this.exec = (command, options) => control.exec(id, command, options);
  }

  async stop(): Promise<boolean> {
    const { stop } = this.rehearsal.app.app;
    const timeoutMs = milliseconds(stop?.timeout ?? DEFAULTS.stopTimeout);
    const began = Date.now();
    await this.control.stop(this.id, { signal: stop?.signal ?? null, timeoutMs });
    return Date.now() - began >= timeoutMs;
  }
}

interface Armed {
  readonly capture: Capture;
  readonly recording: Promise<Recorded>;
}

/** Resolves once the tracer waits for the container's first task. */
function arm(
  control: ContainerControl,
  id: string,
  rehearsal: Rehearsal,
  end: AbortSignal,
): Promise<Armed> {
  const { endpoint, engine } = control;
  return new Promise((resolve, reject) => {
    const recording: Promise<Recorded> = recordContainer(
      id,
      {
        tracer: 'ebpf',
        denied: true,
        programs: 'auto',
        engine,
        socket: endpoint.kind === 'socket' ? endpoint.path : undefined,
      },
      {
        signal: end,
        onReady: () => undefined,
        onArmed: (capture) => queueMicrotask(() => resolve({ capture, recording })),
        onProgress: rehearsal.onProgress,
        onNote: () => undefined,
      },
    );
    recording.catch(reject);
  });
}

async function lastTask(capture: Capture): Promise<void> {
  const end = Date.now() + LAST_TASK_MS;
  while (capture.poll().live > 0 && Date.now() < end) await sleep(POLL_MS);
}

async function inContainer(
  control: ContainerControl,
  id: string,
  name: string,
  rehearsal: Rehearsal,
): Promise<Rehearsed> {
  const over = new AbortController();
  const { capture, recording } = await arm(control, id, rehearsal, over.signal);
  let failure: Rehearsed['failure'] = null;
  try {
    rehearsal.onArmed(capture);
    rehearsal.hooks.signal.throwIfAborted();
    await control.start(id);
    const subject = new ContainerSubject(control, id, rehearsal, name, over.signal);
    await rehearsal.body(subject, capture);
    await lastTask(capture);
  } catch (thrown) {
    failure = { thrown };
  }
  over.abort();
  return { run: (await recording).run, failure };
}

/** The engine that has the image, or the existing container. */
async function engineFor({ app }: Rehearsal['app']): Promise<{
  control: ContainerControl;
  base: ContainerSpec | null;
}> {
  const { engine = DEFAULTS.engine, image, container } = app;
  if (container === undefined) {
    return { control: await containerControl({ engine, image }), base: null };
  }
  const { endpoint } = await findContainer(container, { engine });
  const control = await controlAt(endpoint);
  return { control, base: await control.specOf(container) };
}

export async function rehearseContainer(rehearsal: Rehearsal): Promise<Rehearsed> {
  const { app, under, hooks } = rehearsal;
  const { control, base } = await engineFor(app);
  await removeLeftovers(control, app.name, hooks);
  const name = `sysieve-${app.name}-${randomBytes(4).toString('hex')}`;
  const labels = { [APP_LABEL]: app.name, [SESSION_LABEL]: ownSession() };
  const id = await control.create(containerSpec(app, { name, labels, under }, base));
  try {
    return await inContainer(control, id, name, rehearsal);
  } finally {
    await control.remove(id);
  }
}
