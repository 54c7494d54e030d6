// attach-empty OBJECT enter|both: attaches the empty programs, says so, holds them until end of
// input.
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what) {
  fprintf(stderr, "attach-empty: cannot %s\n", what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return fail("run: usage: attach-empty OBJECT enter|both");
  const int enter_alone = strcmp(argv[2], "enter") == 0;
  if (!enter_alone && strcmp(argv[2], "both") != 0) return fail("attach that: enter or both");
  struct bpf_object *object = bpf_object__open(argv[1]);
  if (!object) return fail("open the object");
  if (bpf_object__load(object)) return fail("load the programs");
  struct bpf_program *program;
  bpf_object__for_each_program(program, object) {
    if (enter_alone && strcmp(bpf_program__name(program), "empty_enter") != 0) continue;
    if (!bpf_program__attach(program)) return fail("attach");
  }
  puts("attached");
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
