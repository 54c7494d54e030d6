// filter-cost WHAT CALLS: makes CALLS getpgid calls under a filter and prints the median of 1000
// slices, in nanoseconds a call. WHAT: none, no filter; cached, one that reads no argument of the
// call, so that the kernel answers from its bitmap; N, one in which N instructions are executed for
// the call, the load of its argument among them.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICES 1000

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

// Load the number, compare, load the argument, N - 4 comparisons that fail, allow.
static void install(long executed) {
  static struct sock_filter code[BPF_MAXINSNS];
  unsigned short n = 0;
  if (executed > 0) {
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    // Both ways lead on: every call is treated alike.
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, args[0]));
    for (long i = 4; i < executed; i++)
      code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x10000 + i, 0, 0);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = n, .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("filter-cost");
    exit(1);
  }
}

int main(int argc, char **argv) {
  static double slices[SLICES];
  if (argc != 3) return 2;
  const long per_slice = atol(argv[2]) / SLICES;
  const long executed = atol(argv[1]);
  if (per_slice < 1 || executed > BPF_MAXINSNS) return 2;
  if (strcmp(argv[1], "none") != 0) install(executed);
  double before = now();
  for (int slice = 0; slice < SLICES; slice++) {
    for (long i = 0; i < per_slice; i++) syscall(SYS_getpgid, 0);
    const double after = now();
    slices[slice] = (after - before) / per_slice;
    before = after;
  }
  qsort(slices, SLICES, sizeof(slices[0]), ascending);
  printf("%.3f\n", (slices[SLICES / 2 - 1] + slices[SLICES / 2]) / 2);
  return 0;
}
