// A thread's getppid waits for a seccomp listener when a signal comes. `restarted`: the call is
// made again, and the listener lets it pass. `interrupted`: it ends with EINTR.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ready[2];
static struct seccomp_notif call;

static void must(long result, const char* what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static void on_signal(int number) { (void)number; }

static void* asks(void* interrupted) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {4, filter};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  int told[2] = {(int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                              SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
                 gettid()};
  must(told[0], "seccomp");
  must(write(ready[1], told, sizeof(told)), "write");
  long answer = syscall(SYS_getppid);
  if (interrupted ? answer != -1 || errno != EINTR : answer < 0) exit(2);
  return NULL;
}

// The call is there to be received, and again once a signal has taken it back.
static void wait_for_call(int listener) {
  struct pollfd poll_for = {listener, POLLIN, 0};
  must(poll(&poll_for, 1, -1), "poll");
}

int main(int count, char** words) {
  bool interrupted = count > 1 && !strcmp(words[1], "interrupted");
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = interrupted ? 0 : SA_RESTART};
  must(sigaction(SIGUSR1, &action, NULL), "sigaction");
  must(pipe(ready), "pipe");
  pthread_t thread;
  if (pthread_create(&thread, NULL, asks, interrupted ? words : NULL)) return 1;
  int told[2];
  must(read(ready[0], told, sizeof(told)), "read");
  wait_for_call(told[0]);
  must(syscall(SYS_tgkill, getpid(), told[1], SIGUSR1), "tgkill");
  if (!interrupted) {
    // What was received before the signal came cannot be answered any more.
    struct seccomp_notif_resp answer;
    do {
      usleep(100000);
      wait_for_call(told[0]);
      memset(&call, 0, sizeof(call));
      must(ioctl(told[0], SECCOMP_IOCTL_NOTIF_RECV, &call), "receive");
      memset(&answer, 0, sizeof(answer));
      answer.id = call.id;
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } while (ioctl(told[0], SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0);
  }
  return pthread_join(thread, NULL);
}
