/**
 * Kernel vulnerabilities and the calls that their exploits reach, as the sources name them. A source
 * that names several calls without saying which is needed counts as "any of them". The other names
 * of a call (accept4 for accept) are not added: equivalents.ts has them.
 */
import { NAMESPACE_FLAGS, SOCKET_DOMAINS } from './arguments';

export interface CveCall {
  name: string;
  /** What the exploit needs: (argument & mask) == value; null: it works with any arguments. */
  bits: { index: number; mask: bigint; value: bigint } | null;
}

export interface Cve {
  /** CVE-YEAR-NUMBER */
  id: string;
  /**
   * any_of: each call alone is enough, so it is closed when all of them are refused. all_of: it needs
   * every call, so refusing one closes it.
   */
  mode: 'any_of' | 'all_of';
  calls: readonly CveCall[];
  /**
   * confine: github.com/shamedgh/confine; SysPart: github.com/vidyalakshmir/SysPartArtifact; LTP: the
   * Linux Test Project, by the folder of a test or, inferred, its name; Docker: docs.docker.com;
   * kernelCTF: github.com/google/security-research; seccompute: github.com/antitree/seccompute.
   */
  source: string;
}

/** "# source", then lines of "calls: ids"; `all` before calls of which every one is needed. */
const LISTED = `
# Docker security non-events
modify_ldt: 2015-3290 2015-5157
unshare | clone:CLONE_NEWUSER | clone3: 2013-1956 2013-1957 2013-1958 2014-4014 2014-5206
  2014-7975 2015-2925 2016-3135
# LTP runtest/cve (test directory)
accept: 2017-8890
add_key: 2017-12193
bind: 2018-18559
bpf: 2017-16995 2018-18445 2021-3444 2021-4204 2022-23222
connect: 2018-9568
creat: 2018-13405
fanotify_init: 2023-52879
fsconfig: 2022-0185
futex: 2018-6927
io_uring_setup: 2020-29373
ioctl: 2018-1000204
keyctl: 2017-7472
kill: 2018-10124
mq_notify: 2021-38604
perf_event_open: 2020-25704
ptrace: 2017-15537 2018-8897
request_key: 2017-15299 2017-15951 2017-17807 2017-6951
sendto: 2020-14386
set_mempolicy: 2017-7616
setsockopt: 2017-1000111 2017-1000112 2021-22555 2021-22600 2023-0461
timer_create: 2017-18344
timer_settime: 2018-12896
timerfd_create | timerfd_settime: 2017-10661
# LTP runtest/cve (test name, inferred)
socket:AF_ALG: 2017-17805 2017-17806 2019-8912
socket:AF_CAN: 2021-3609
socket:AF_NETLINK: 2023-31248
socket:AF_VSOCK: 2021-26708
# SysPart kernel_cve.out
adjtimex: 2018-11508
all ptrace: 2014-4699
bpf: 2016-2383
clone | unshare: 2019-11815
epoll_create | epoll_create1 | epoll_ctl | epoll_wait | epoll_pwait: 2011-1082
execve | execveat: 2008-3527 2010-3858 2010-4346 2012-4530 2013-0914 2014-9585 2015-1593 2015-3339
  2016-3672 2018-14634
execve | execveat | mremap: 2018-18281
execve | execveat | uselib: 2010-4243
io_submit: 2019-10125
keyctl: 2014-9529
mount: 2014-5207
ptrace: 2018-1000199 2019-13272
recvfrom | recvmsg: 2013-1979
sendto | sendmsg: 2017-17712
setsockopt: 2016-3134 2016-4998
setsockopt | getsockopt: 2017-18509
setxattr: 2018-12233
socket: 2015-8543
write: 2013-1959
# confine cve.to.syscall.manual
add_key | keyctl: 2017-15274
add_key | request_key | keyctl: 2016-0728
clock_nanosleep: 2018-13053
epoll_ctl: 2012-3375
inotify_add_watch: 2019-9857
inotify_init1: 2010-4250
ioprio_get: 2016-7911
keyctl: 2009-3624 2015-7550 2016-9604 2017-12192
madvise: 2012-3511 2017-18208
move_pages: 2017-14140
perf_event_open: 2017-6001
pivot_root: 2014-7970
sched_getattr: 2014-9903
semctl: 2010-4083
sendto | recvfrom: 2015-2686
setsockopt: 2016-4997 2016-8655 2016-9793 2017-6074 2017-7308
shmctl: 2010-4072
shmget | semget | msgget: 2015-7613
unshare: 2013-1858
waitid: 2017-14954 2017-5123
# kernelCTF metadata
io_uring_setup: 2023-52926 2023-6560 2024-0582 2025-21836 2025-40364
# seccompute rules
bpf: 2021-3490 2023-2163
io_uring_setup: 2023-2598
perf_event_open: 2022-1729
`;

const INT = 0xffff_ffffn;

/** `socket:AF_ALG`, `clone:CLONE_NEWUSER`, or a name alone. */
function callOf(text: string): CveCall {
  const [name = '', symbol] = text.trim().split(':');
  if (symbol === undefined) return { name, bits: null };
  const flag = NAMESPACE_FLAGS[symbol];
  if (flag !== undefined) {
    return { name, bits: { index: 0, mask: BigInt(flag), value: BigInt(flag) } };
  }
  return { name, bits: { index: 0, mask: INT, value: BigInt(SOCKET_DOMAINS[symbol] ?? 0) } };
}

function read(): Cve[] {
  const out: Cve[] = [];
  let source = '';
  for (const line of LISTED.replaceAll('\n  ', ' ').trim().split('\n')) {
    if (line.startsWith('# ')) {
      source = line.slice(2);
      continue;
    }
    const at = line.lastIndexOf(': ');
    const all = line.startsWith('all ');
    const calls = line.slice(all ? 4 : 0, at).split('|').map(callOf);
    for (const id of line.slice(at + 2).split(' ')) {
      out.push({ id: `CVE-${id}`, mode: all ? 'all_of' : 'any_of', calls, source });
    }
  }
  return out.sort((a, b) => (a.id < b.id ? -1 : 1));
}

let all: readonly Cve[] | undefined;

/** Ordered by id. */
export function cves(): readonly Cve[] {
  all ??= read();
  return all;
}
