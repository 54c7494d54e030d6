/** Phase marks divide the calls of a run, whichever tracer counts them. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Capture } from '../../src/capture/capture';
import { recordCommand } from '../../src/capture/record';
import { notifyAll } from '../../src/libseccomp';
import { eventually, privileged, scratch } from '../support/recorder';
import { EXPECTED_TRACERS } from '../support/tracers';

/** A call of its own in each phase, socket with other arguments in each, and getppid in all of them. */
const SCRIPT = `
use Socket;
my $at = shift;
sub arrive { getppid; open(my $f, '>', "$at/$_[0].here"); close $f; }
sub gate { arrive($_[0]); select(undef, undef, undef, 0.01) until -e "$at/$_[0]"; getppid; }
mkdir "$at/made"; socket(my $a, AF_UNIX, SOCK_STREAM, 0);
gate("ready");
rename "$at/made", "$at/moved"; socket(my $b, AF_UNIX, SOCK_DGRAM, 0);
gate("stop");
rmdir "$at/moved"; rmdir "$at/moved";
getppid;
`;

privileged('phase marks', () => {
  const space = scratch();
  afterAll(() => space.remove());

  it.each(EXPECTED_TRACERS)('of %s', async (tracer) => {
    const at = join(space.dir, tracer);
    mkdirSync(at);
    const armed = (capture: Capture): void => {
      capture.mark('startup');
      void (async () => {
        for (const [gate, phase] of [
          ['ready', 'steady'],
          ['stop', 'shutdown'],
        ] as const) {
          await eventually(`${gate} is reached`, () => existsSync(join(at, `${gate}.here`)));
          capture.mark(phase);
          writeFileSync(join(at, gate), '');
        }
      })();
    };
    const { run } = await recordCommand(
      ['perl', '-e', SCRIPT, at],
      {
        tracer,
        denied: false,
        programs: 'auto',
        ...(tracer === 'notify' && { filter: { program: notifyAll(), flags: 0, partial: false } }),
      },
      {
        signal: new AbortController().signal,
        onArmed: armed,
        onReady: () => undefined,
        onNote: () => undefined,
        onProgress: () => undefined,
      },
    );
    const phases = (name: string) => run.calls.find((call) => call.name === name)?.phases;
    expect(run.marks.map(({ phase }) => phase)).toEqual(['startup', 'steady', 'shutdown']);
    expect(phases('mkdir')).toEqual(['startup']);
    expect(phases('rename')).toEqual(['steady']);
    expect(phases('rmdir')).toEqual(['shutdown']);
    expect(phases('getppid')).toEqual(['shutdown', 'startup', 'steady']);
    const tuples = run.calls.find((call) => call.name === 'socket')?.args?.tuples;
    expect(tuples?.map((tuple) => tuple.phases)).toEqual([['startup'], ['steady']]);
  });
});
