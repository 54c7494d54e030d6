// syscall-loop: for each number of calls N on a line of input, makes N getppid calls and prints
//   MEDIAN MEAN CPU
// in nanoseconds per call, until end of input. One process is so measured under several tracers.
//
// The calls are timed in slices, through the vDSO, which no tracer sees. MEDIAN is that of the
// slices: what a call takes while nothing else gets the processor, where MEAN also holds the time
// in which others had it, and CPU only what this process used itself.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICES 1000

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(void) {
  static double slices[SLICES];
  char line[64];
  while (fgets(line, sizeof(line), stdin)) {
    const long calls = atol(line);
    if (calls < SLICES || calls % SLICES != 0) {
      fprintf(stderr, "syscall-loop: the number of calls must be a multiple of %d\n", SLICES);
      return 1;
    }
    const long per_slice = calls / SLICES;
    const double cpu = now(CLOCK_PROCESS_CPUTIME_ID), start = now(CLOCK_MONOTONIC);
    double before = start;
    for (int slice = 0; slice < SLICES; slice++) {
      for (long i = 0; i < per_slice; i++) syscall(SYS_getppid);
      const double after = now(CLOCK_MONOTONIC);
      slices[slice] = (after - before) / per_slice;
      before = after;
    }
    const double used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    qsort(slices, SLICES, sizeof(slices[0]), ascending);
    printf("%.3f %.3f %.3f\n", (slices[SLICES / 2 - 1] + slices[SLICES / 2]) / 2,
           (before - start) / calls, used / calls);
    fflush(stdout);
  }
  return 0;
}
