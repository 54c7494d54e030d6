/** Argument values that make a call worth a finding. Values: include/linux/socket.h, personality.h. */
import type { Severity } from '../review';
import { SOCKET_DOMAINS } from '../tables';

/** What servers and libc use themselves. */
const USUAL = ['AF_UNIX', 'AF_INET', 'AF_INET6'];
/** In wide use, or for those alone who have a capability for it. */
const LESS = ['AF_NETLINK', 'AF_PACKET', 'AF_KEY', 'AF_XDP'];

export const RISKY_DOMAINS: readonly { name: string; value: number; severity: Severity }[] =
  Object.entries(SOCKET_DOMAINS)
    .filter(([name]) => !USUAL.includes(name))
    .map(([name, value]) => ({ name, value, severity: LESS.includes(name) ? 'low' : 'medium' }));

export const RISKY_PERSONALITY = [
  { name: 'ADDR_NO_RANDOMIZE', value: 0x0040000 },
  { name: 'MMAP_PAGE_ZERO', value: 0x0100000 },
  { name: 'ADDR_COMPAT_LAYOUT', value: 0x0200000 },
  { name: 'READ_IMPLIES_EXEC', value: 0x0400000 },
] as const;
