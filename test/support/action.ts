/** A step of GitHub Actions on this machine: its files and environment, and the API as a local server. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parse } from 'yaml';
import { CLI, ROOT } from './recorder';
import { plainGitEnv } from './sample-repository';

interface Step {
  id?: string;
  shell: string;
  env: Record<string, string>;
  run: string;
}

export interface Action {
  inputs: Record<string, { description: string; default: string }>;
  outputs: Record<string, { description: string; value: string }>;
  runs: { using: string; steps: Step[] };
}

export const action = parse(readFileSync(path.join(ROOT, 'action.yml'), 'utf8')) as Action;

export const TOKEN = 'ghs_aTokenThatNobodyMayRead';

export interface Comment {
  id: number;
  body: string;
  user: { login: string; type: string };
}

/** What the action asks of the API, answered as GitHub does. */
export class Api {
  readonly comments: Comment[] = [];
  readonly asked: string[] = [];
  /** Answer to everything that writes. */
  refusal: number | null = null;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void this.answer(request).then(({ status, value }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(value));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; value: unknown }> {
    const { method = '', url = '', headers } = request;
    let text = '';
    for await (const part of request) text += part;
    this.asked.push(`${method} ${url}`);
    if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, value: {} };
    // The token of a workflow belongs to an app and no user.
    if (url === '/user') return { status: 403, value: {} };
    if (method === 'GET') {
      const page = /^\/repos\/o\/r\/issues\/7\/comments\?per_page=100&page=(\d+)$/.exec(url);
      const begin = (Number(page?.[1]) - 1) * 100;
      return { status: 200, value: this.comments.slice(begin, begin + 100) };
    }
    if (this.refusal !== null) return { status: this.refusal, value: {} };
    const { body } = JSON.parse(text) as { body: string };
    if (body.length > 65_536) return { status: 422, value: {} };
    if (method === 'POST' && url === '/repos/o/r/issues/7/comments') {
      this.add(body);
      return { status: 201, value: { id: this.comments.length } };
    }
    const edited = /^\/repos\/o\/r\/issues\/comments\/(\d+)$/.exec(url);
    const known = this.comments.find(({ id }) => id === Number(edited?.[1]));
    if (method !== 'PATCH' || known === undefined) return { status: 404, value: {} };
    known.body = body;
    return { status: 200, value: {} };
  }

  add(body: string, user = { login: 'github-actions[bot]', type: 'Bot' }): void {
    this.comments.push({ id: this.comments.length + 1, body, user });
  }
}

export interface StepResult {
  status: number | null;
  /** What the log shows. */
  log: string;
  outputs: Record<string, string>;
  summary: string;
}

export interface StepOptions {
  /** The working directory, a repository. */
  cwd: string;
  /** Beside it: for the runner's files. */
  work: string;
  inputs: Record<string, string>;
  event?: object;
  eventName?: string;
  api?: string;
  /** The step's id; the one before it is the installation. */
  step?: 'run' | 'install';
  env?: NodeJS.ProcessEnv;
}

/** `${{ … }}` of action.yml with these inputs. */
function evaluated(text: string, inputs: Record<string, string>): string {
  return text.replace(/\$\{\{ (\S+) \}\}/g, (_, expression: string) => {
    if (expression === 'github.token') return TOKEN;
    const name = expression.replace(/^inputs\./, '');
    const known = action.inputs[name];
    if (known === undefined) throw new Error(`action.yml has no input ${name}`);
    return inputs[name] ?? evaluated(known.default, inputs);
  });
}

/** Runs a step as action.yml has it, with what the runner sets up around it. */
export async function runStep(options: StepOptions): Promise<StepResult> {
  const { cwd, work, inputs, step = 'run' } = options;
  const at = (name: string) => path.join(work, name);
  mkdirSync(at('bin'), { recursive: true });
  try {
    symlinkSync(CLI, at('bin/sysieve'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  for (const name of ['output', 'summary', 'path']) writeFileSync(at(name), '');
  writeFileSync(at('event.json'), JSON.stringify(options.event ?? {}));
  const found = action.runs.steps.find(({ id }) => (step === 'run' ? id === 'run' : id !== 'run'));
  if (found === undefined) throw new Error(`no step ${step}`);
  const env: NodeJS.ProcessEnv = {
    ...plainGitEnv(),
    CI: 'true',
    GITHUB_ACTION_PATH: ROOT,
    GITHUB_EVENT_NAME: options.eventName ?? 'pull_request',
    GITHUB_EVENT_PATH: at('event.json'),
    GITHUB_OUTPUT: at('output'),
    GITHUB_STEP_SUMMARY: at('summary'),
    GITHUB_PATH: at('path'),
    GITHUB_REPOSITORY: 'o/r',
    RUNNER_TEMP: work,
    ...(options.api === undefined ? {} : { GITHUB_API_URL: options.api }),
    PATH: `${at('bin')}:${process.env.PATH}`,
    ...options.env,
  };
  for (const [name, value] of Object.entries(found.env)) env[name] = evaluated(value, inputs);
  const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', found.run], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const outputs = Object.fromEntries(
    readFileSync(at('output'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  return { status, log, outputs, summary: readFileSync(at('summary'), 'utf8') };
}
