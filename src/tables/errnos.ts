/**
 * Errnos by name: those that Podman's seccomp profiles may name (containers/common,
 * pkg/seccomp/errno_list.go), with the numbers of asm-generic/errno.h, which x86 and ARM share.
 */
const LISTED = `
EPERM 1, ENOENT 2, ESRCH 3, EIO 5, ENXIO 6, E2BIG 7, ENOEXEC 8, EBADF 9, ECHILD 10, EAGAIN 11,
ENOMEM 12, EACCES 13, EFAULT 14, ENOTBLK 15, EBUSY 16, EEXIST 17, EXDEV 18, ENODEV 19,
ENOTDIR 20, EISDIR 21, EINVAL 22, ENFILE 23, EMFILE 24, ENOTTY 25, ETXTBSY 26, EFBIG 27,
ENOSPC 28, ESPIPE 29, EROFS 30, EMLINK 31, EPIPE 32, EDOM 33, ERANGE 34, EDEADLK 35,
ENAMETOOLONG 36, ENOLCK 37, ENOSYS 38, ENOTEMPTY 39, ELOOP 40, ENOMSG 42, EIDRM 43, EREMOTE 66,
EBADMSG 74, EOVERFLOW 75, EILSEQ 84, EUSERS 87, ENOTSOCK 88, EDESTADDRREQ 89, EMSGSIZE 90,
EPROTOTYPE 91, ENOPROTOOPT 92, EPROTONOSUPPORT 93, ESOCKTNOSUPPORT 94, ENOTSUP 95, EOPNOTSUPP 95,
EPFNOSUPPORT 96, EAFNOSUPPORT 97, EADDRINUSE 98, EADDRNOTAVAIL 99, ENETDOWN 100, ENETUNREACH 101,
ENETRESET 102, ECONNABORTED 103, ECONNRESET 104, ENOBUFS 105, EISCONN 106, ENOTCONN 107,
ESHUTDOWN 108, ETOOMANYREFS 109, ETIMEDOUT 110, ECONNREFUSED 111, EHOSTDOWN 112,
EHOSTUNREACH 113, EALREADY 114, EINPROGRESS 115, ESTALE 116, EDQUOT 122, ENOMEDIUM 123,
EMEDIUMTYPE 124, ECANCELED 125, EOWNERDEAD 130, ENOTRECOVERABLE 131
`;

const NUMBERS = new Map(
  LISTED.split(',').map((pair): [string, number] => {
    const [name = '', number] = pair.trim().split(' ');
    return [name, Number(number)];
  }),
);

/** null: no errno of this name can be written in a profile. */
export function errnoNumber(name: string): number | null {
  return NUMBERS.get(name) ?? null;
}

/** EPERM; of two names the kernel's own. null: the table has none. */
export function errnoName(number: number): string | null {
  return [...NUMBERS].findLast(([, value]) => value === number)?.[0] ?? null;
}
