/**
 * i386 has two ways into the socket and SysV IPC calls: socketcall and ipc, which take the call's
 * code as their first argument, and numbers of their own since Linux 4.3. A rule of libseccomp
 * means both (src/syscalls.c, abi_rule_add): under the multiplexer the first condition gives way
 * to the code, and the others stay where they are, on registers that hold something else.
 */

const SOCKETCALL: readonly string[] = [
  ...['socket', 'bind', 'connect', 'listen', 'accept', 'getsockname', 'getpeername'],
  ...['socketpair', 'send', 'recv', 'sendto', 'recvfrom', 'shutdown', 'setsockopt'],
  ...['getsockopt', 'sendmsg', 'recvmsg', 'accept4', 'recvmmsg', 'sendmmsg'],
];

const IPC: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

export const SOCKETCALL_NUMBER = 102;
const IPC_NUMBER = 117;

interface Multiplexed {
  readonly number: number;
  readonly code: number;
}

let byName: ReadonlyMap<string, Multiplexed> | undefined;

function table(): ReadonlyMap<string, Multiplexed> {
  return new Map<string, Multiplexed>([
    ...SOCKETCALL.map((name, at) => [name, { number: SOCKETCALL_NUMBER, code: at + 1 }] as const),
    ...Object.entries(IPC).map(([name, code]) => [name, { number: IPC_NUMBER, code }] as const),
  ]);
}

/** Codes: include/uapi/linux/net.h (SYS_*) and ipc.h. null: i386 has the call by its number alone. */
export function multiplexed(name: string): Multiplexed | null {
  byName ??= table();
  return byName.get(name) ?? null;
}
