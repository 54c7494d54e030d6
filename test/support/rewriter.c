/*
 * A tracer and its child behind a filter that answers mkdir with RET_TRACE. What the tracer does
 * about it: "rewrite" makes getppid of it, "skip" answers in the kernel's place, "watch" lets it go
 * on.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 5 };

static int child(void) {
  static struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  static const struct sock_fprog filter = {sizeof(program) / sizeof(*program), program};
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) return 3;
  raise(SIGSTOP);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 4;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return 5;
  for (int i = 0; i < CALLS; i++) syscall(SYS_mkdir, "/nonexistent/directory", 0700);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const pid_t pid = fork();
  if (pid == 0) _exit(child());
  int status;
  waitpid(pid, &status, 0);
  ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
  int asked = 0;
  for (;;) {
    ptrace(PTRACE_CONT, pid, NULL, NULL);
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
    if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) continue;
    asked++;
    if (strcmp(argv[1], "watch") == 0) continue;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, NULL, &registers);
    const int skip = strcmp(argv[1], "skip") == 0;
    registers.orig_rax = skip ? (unsigned long)-1 : SYS_getppid;
    if (skip) registers.rax = 0;
    ptrace(PTRACE_SETREGS, pid, NULL, &registers);
  }
  return asked == CALLS && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
