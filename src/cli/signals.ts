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
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Behind the name, which may contain anything: state, ppid, pgrp, session, tty, tpgid.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[2] === fields[5];
}
