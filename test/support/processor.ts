/**
 * Milliseconds of processor time that this process has used. For what must not take quadratic time:
 * another program on the machine, or a pause of the machine, adds nothing to it.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
