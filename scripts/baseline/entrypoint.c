// entrypoint [wait]: says in /out/NAME, NAME being its own, under which conditions it runs, so that
// a measurement under other conditions than it claims cannot pass. With "wait" it stays.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char final[256], partial[sizeof(final) + 8], line[256];
  const char *slash = strrchr(argv[0], '/');
  snprintf(final, sizeof(final), "/out/%s", slash ? slash + 1 : argv[0]);
  snprintf(partial, sizeof(partial), "%s.partial", final);
  FILE *status = fopen("/proc/self/status", "r");
  FILE *out = fopen(partial, "w");
  if (!status || !out) return 1;
  fprintf(out, "Tty:\t%d\n", isatty(0) && isatty(1));
  while (fgets(line, sizeof(line), status)) {
    if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "NoNewPrivs:", 11) == 0 ||
        strncmp(line, "Seccomp:", 8) == 0)
      fputs(line, out);
  }
  if (fclose(out) != 0 || rename(partial, final) != 0) return 1;
  if (argc > 1 && strcmp(argv[1], "wait") == 0) {
    for (;;) pause();
  }
  return 0;
}
