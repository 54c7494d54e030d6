/** What a config must hold to besides its schema. */
import { posix } from 'node:path';
import type { Issue } from '../json';
import type { App, Config } from './schema';

/** Where an app's profile is, relative to the config file unless it is absolute. */
export function profileOf(name: string, { profile }: Pick<App, 'profile'>): string {
  return posix.normalize(profile ?? `profiles/${name}.json`);
}

function evidenceOf(profile: string): string {
  return `${profile.slice(0, -'.json'.length)}.evidence.json`;
}

const HIGHEST_PORT = 65_535;

function ports(app: App): Issue[] {
  const wrong = (text: string) =>
    text.split(':').some((port) => {
      const number = /^(\d+)(?:\/|$)/.exec(port)?.[1];
      return number !== undefined && !(Number(number) >= 1 && Number(number) <= HIGHEST_PORT);
    });
  const message = `expected ports from 1 to ${HIGHEST_PORT}`;
  const issues: Issue[] = (app.run?.ports ?? []).flatMap((text, index) =>
    wrong(text) ? [{ path: ['run', 'ports', index], message }] : [],
  );
  const { ready } = app;
  if (ready !== undefined && 'tcp' in ready && typeof ready.tcp === 'string' && wrong(ready.tcp)) {
    issues.push({ path: ['ready', 'tcp'], message });
  }
  return issues;
}

/** Two mounts in one place: engines differ in which of them is there. */
function mounts({ run }: App): Issue[] {
  const seen = new Set<string>();
  const issues: Issue[] = [];
  const meet = (target: string, path: PropertyKey[]) => {
    const place = posix.normalize(`${target}/`);
    if (seen.has(place)) {
      issues.push({ path, message: `expected one mount at ${JSON.stringify(target)}` });
    }
    seen.add(place);
  };
  (run?.volumes ?? []).forEach(({ target }, at) => {
    meet(target, ['run', 'volumes', at, 'target']);
  });
  (run?.tmpfs ?? []).forEach((target, at) => {
    meet(target, ['run', 'tmpfs', at]);
  });
  return issues;
}

/** Of `run`, what a command of the host takes as well. */
const OF_HOST: readonly string[] = ['env', 'workdir'];

/** What only a container has, said of a command of the host. */
function withoutContainer(app: App): Issue[] {
  const issues: Issue[] = [];
  const because = 'not of a command of the host: give an image or a container';
  for (const key of ['engine', 'under'] as const) {
    if (app[key] !== undefined) issues.push({ path: [key], message: because });
  }
  for (const key of Object.keys(app.run ?? {})) {
    if (!OF_HOST.includes(key)) issues.push({ path: ['run', key], message: because });
  }
  const { ready } = app;
  if (ready !== undefined && 'in' in ready && ready.in === 'container') {
    issues.push({ path: ['ready', 'in'], message: because });
  }
  const steps = app.workload ?? [];
  const list = Array.isArray(steps) ? steps : [steps];
  list.forEach((step, index) => {
    if (step.in !== 'container') return;
    const path = Array.isArray(steps) ? ['workload', index, 'in'] : ['workload', 'in'];
    issues.push({ path, message: because });
  });
  return issues;
}

function ofApp(app: App): Issue[] {
  const issues: Issue[] = [];
  if (app.image !== undefined && app.container !== undefined) {
    issues.push({ path: ['container'], message: 'expected an image or a container, not both' });
  }
  if (app.image === undefined && app.container === undefined) {
    if (app.command === undefined) {
      issues.push({ path: [], message: 'expected an image, a container or a command' });
    } else {
      issues.push(...withoutContainer(app));
    }
  }
  return [...issues, ...ports(app), ...mounts(app)];
}

/** A profile that another app writes over, or whose evidence it does. */
function sharedProfiles(config: Config): Issue[] {
  const owners = new Map<string, string>();
  const issues: Issue[] = [];
  for (const [name, app] of Object.entries(config.apps)) {
    const profile = profileOf(name, app);
    const files = [profile, evidenceOf(profile)];
    const taken = files.find((file) => owners.has(file));
    if (taken !== undefined) {
      const path = ['apps', name, ...(app.profile === undefined ? [] : ['profile'])];
      const owner = JSON.stringify(owners.get(taken));
      issues.push({
        path,
        message: `expected a file of its own: ${taken} is written for ${owner}`,
      });
    }
    for (const file of files) owners.set(file, name);
  }
  return issues;
}

export function inconsistencies(config: Config): Issue[] {
  const issues = Object.entries(config.apps).flatMap(([name, app]) =>
    ofApp(app).map((issue) => ({ ...issue, path: ['apps', name, ...issue.path] })),
  );
  return [...issues, ...sharedProfiles(config)];
}
