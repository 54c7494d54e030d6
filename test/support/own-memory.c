/* Passes clone3 a struct in a page that is served by userfaultfd, by nobody. Says "ready", or
 * "refused" where that is not permitted; calls at a line of input; makes other calls all the time. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *call(void *unused) {
  for (;;) syscall(SYS_getpgid, 0);
  return unused;
}

int main(void) {
  const int handler = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_api api = {.api = UFFD_API};
  struct uffdio_register all = {.range = {(uintptr_t)page, bytes},
                                .mode = UFFDIO_REGISTER_MODE_MISSING};
  pthread_t thread;
  char line[8];
  if (handler < 0 || ioctl(handler, UFFDIO_API, &api) != 0 ||
      ioctl(handler, UFFDIO_REGISTER, &all) != 0) {
    puts("refused");
    return 3;
  }
  if (pthread_create(&thread, NULL, call, NULL) != 0) return 4;
  puts("ready");
  fflush(stdout);
  if (read(0, line, sizeof(line)) <= 0) return 5;
  return (int)syscall(SYS_clone3, page, 64);
}
