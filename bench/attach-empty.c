// attach-empty OBJECT enter|both: attaches the empty programs, says so, waits for end of input.
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct bpf_object *object = bpf_object__open(argv[1]);
  if (!object || bpf_object__load(object)) return 1;
  struct bpf_program *program;
  bpf_object__for_each_program(program, object) {
    if (strcmp(argv[2], "enter") == 0 && strcmp(bpf_program__name(program), "empty_enter") != 0)
      continue;
    if (!bpf_program__attach(program)) return 1;
  }
  puts("attached");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
