// syscall-loop N: waits for a line, makes N getppid calls, prints nanoseconds per call; repeats
// until end of input. Waiting lets one process be measured under several tracers in turn.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const long calls = argc > 1 ? atol(argv[1]) : 1000000;
  char line[64];
  while (fgets(line, sizeof(line), stdin)) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < calls; i++) syscall(SYS_getppid);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.3f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / calls);
    fflush(stdout);
  }
  return 0;
}
