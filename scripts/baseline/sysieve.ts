/** sysieve's own launcher, measured like a container runtime. */
import { Capture, packageVersion } from '../../src/capture/capture';
import { type Launched, startStopped } from '../../src/capture/launch';
import { compile } from '../../src/libseccomp';
import type { Baseline } from '../../src/minimise';
import { parseProfile } from '../../src/profile';
import { ALLOW_ALL } from './bundle';
import { type Calls, callsOf, sorted, withBoth } from './measure';

/** Stopped launchers wait while the others are prepared; a few share one capture. */
const STARTS_PER_CAPTURE = 10;
const COMMAND = '/bin/true';

/** Its only condition: it passes on terminal and user as it finds them, and sets no_new_privs. */
export async function measureSysieve(starts: number): Promise<Baseline> {
  const calls = new Map<string, Calls[number]>();
  for (let done = 0; done < starts; done += STARTS_PER_CAPTURE) {
    for (const call of await measureOnce(Math.min(STARTS_PER_CAPTURE, starts - done))) {
      const key = `${call.abi} ${call.name}`;
      calls.set(key, withBoth(calls.get(key), call));
    }
  }
  const condition = { start: 'create' as const, tty: false, user: false, noNewPrivileges: true };
  return {
    version: 1,
    runtime: 'sysieve',
    runtimeVersion: packageVersion(),
    conditions: [{ ...condition, starts, calls: sorted(calls.values()) }],
  };
}

async function measureOnce(starts: number): Promise<Calls> {
  const { program, flags } = compile(parseProfile(JSON.stringify(ALLOW_ALL), 'allow-all'));
  const launches: Launched[] = [];
  let capture: Capture | null = null;
  try {
    for (let index = 0; index < starts; index++) {
      launches.push(await startStopped([COMMAND], { filter: program, filterFlags: flags }));
    }
    capture = new Capture({ execRule: 'any', setupPids: launches.map(({ pid }) => pid) });
    for (const launch of launches) launch.go();
    for (const launch of launches) {
      const { code } = await launch.exited;
      if (code !== 0) throw new Error(`${COMMAND} ended with ${code}: ${launch.failure()?.errno}`);
    }
    const run = capture.finish({
      runtime: { name: 'sysieve', version: packageVersion() },
      target: { kind: 'command', engine: null, name: COMMAND, id: null, image: null },
      attachedLate: null,
    });
    return callsOf(run, 'runtime', starts, [COMMAND]);
  } catch (error) {
    for (const launch of launches) await launch.abort();
    capture?.abandon();
    throw error;
  }
}
