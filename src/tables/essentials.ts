/**
 * Calls a program may make though no recording shows them: the kernel or the vDSO decides when, not
 * the program.
 */
import { type Abi, syscallNumber } from './syscalls';

export interface Essential {
  name: string;
  reason: string;
}

const END = 'ends a thread or process; never seen to return';
const SIGNAL = 'the kernel makes a signal handler return through it';
const VDSO = 'served by the vDSO until the clock source or time namespace changes';

const EVERYWHERE: readonly Essential[] = [
  { name: 'exit', reason: END },
  { name: 'exit_group', reason: END },
  { name: 'rt_sigreturn', reason: SIGNAL },
  { name: 'restart_syscall', reason: 'the kernel restarts interrupted calls through it' },
  { name: 'clock_gettime', reason: VDSO },
  { name: 'clock_getres', reason: VDSO },
  { name: 'gettimeofday', reason: VDSO },
  { name: 'time', reason: VDSO },
  { name: 'getcpu', reason: VDSO },
];

/** 32-bit ABIs have an older signal return and the clock calls once more with 64-bit time. */
const ON_32_BIT: readonly Essential[] = [
  { name: 'sigreturn', reason: SIGNAL },
  { name: 'clock_gettime64', reason: VDSO },
  { name: 'clock_getres_time64', reason: VDSO },
];

/** The essentials of an ABI, as far as it has calls of those names. */
export function essentials(abi: Abi): Essential[] {
  const wanted = abi === 'i386' || abi === 'arm' ? [...EVERYWHERE, ...ON_32_BIT] : EVERYWHERE;
  return wanted.filter(({ name }) => syscallNumber(abi, name) !== null);
}
