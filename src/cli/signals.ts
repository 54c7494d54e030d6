/** Which signals a command started by sysieve has received without being passed them. */
import { readFileSync } from 'node:fs';

/**
 * A terminal sends INT, QUIT and HUP to its whole foreground process group, the command included:
 * passed on, they would arrive twice, and a second SIGINT means "at once" to many programs.
 */
export function terminalSentToo(signal: NodeJS.Signals): boolean {
  return signal !== 'SIGTERM' && inForeground();
}

/** Whether this process's group is the one its controlling terminal sends signals to. */
function inForeground(): boolean {
  const { own, foreground } = groups();
  return own === foreground;
}

/** Whether another group has the terminal: this one was started with `&`, or sent there. */
export function inBackground(): boolean {
  const { own, foreground } = groups();
  // -1: no terminal controls it, and none is anybody else's.
  return foreground !== '-1' && own !== foreground;
}

function groups(): { own: string | undefined; foreground: string | undefined } {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Behind the name, which may contain anything: state, ppid, pgrp, session, tty, tpgid.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { own: fields[2], foreground: fields[5] };
}
