// storm CALLS THREADS: a timer's signals, not restarted, rain on CALLS getppid calls in the main
// thread; then THREADS threads at a time make one getuid call each. Prints how many getppid calls
// came back, how many were interrupted, and how many threads there were.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static pthread_barrier_t all;

static void on_alarm(int number) { (void)number; }

static void *once(void *unused) {
  (void)unused;
  pthread_barrier_wait(&all);
  syscall(SYS_getuid);
  return NULL;
}

int main(int argc, char **argv) {
  const long calls = argc > 1 ? atol(argv[1]) : 0, threads = argc > 2 ? atol(argv[2]) : 0;
  struct sigaction action = {.sa_handler = on_alarm};
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  sigaction(SIGALRM, &action, NULL);
  if (calls > 0) setitimer(ITIMER_REAL, &often, NULL);
  long back = 0, interrupted = 0;
  for (long i = 0; i < calls; i++) {
    if (syscall(SYS_getppid) >= 0) back++;
    else if (errno == EINTR) interrupted++;
  }
  while (setitimer(ITIMER_REAL, &never, NULL) != 0) {
  }
  pthread_t *ids = calloc(threads + 1, sizeof(*ids));
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  pthread_barrier_init(&all, NULL, threads + 1);
  for (long i = 0; i < threads; i++) {
    if (pthread_create(&ids[i], &small, once, NULL) != 0) {
      perror("pthread_create");
      return 1;
    }
  }
  pthread_barrier_wait(&all);
  for (long i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  printf("%ld %ld %ld\n", back, interrupted, threads);
  return 0;
}
