// count-tracers: for each line of input prints how many BPF programs hang on the host's syscall
// tracepoints, until end of input; where the line holds a pid, those on perf events of that process
// alone. A recording that somebody else makes at the same time costs every call of the host
// something, so a measurement is good only when the number is its own.
#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_syscall_tracepoint(const char *name) {
  return strncmp(name, "sys_enter", 9) == 0 || strncmp(name, "sys_exit", 8) == 0;
}

// Typed and raw tracepoints: both are links of this type.
static int count_links(void) {
  int count = 0;
  __u32 id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    const int fd = bpf_link_get_fd_by_id(id);
    if (fd < 0) continue;  // ended meanwhile
    char name[64] = "";
    struct bpf_link_info info = {};
    __u32 size = sizeof(info);
    // The type first: the place of the name belongs to another field in the other types.
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
        info.type == BPF_LINK_TYPE_RAW_TRACEPOINT) {
      memset(&info, 0, sizeof(info));
      info.raw_tracepoint.tp_name = (__u64)(unsigned long)name;
      info.raw_tracepoint.tp_name_len = sizeof(name);
      size = sizeof(info);
      if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) count += is_syscall_tracepoint(name);
    }
    close(fd);
  }
  return count;
}

// Programs on perf events have no link; the events are files of the process that opened them.
static int count_events_of(int pid) {
  char path[300], target[64], name[64];
  snprintf(path, sizeof(path), "/proc/%d/fd", pid);
  DIR *files = opendir(path);
  if (!files) return 0;
  int count = 0;
  struct dirent *file;
  while ((file = readdir(files))) {
    const ssize_t length = readlinkat(dirfd(files), file->d_name, target, sizeof(target) - 1);
    if (length < 0) continue;
    target[length] = 0;
    if (strcmp(target, "anon_inode:[perf_event]") != 0) continue;
    __u32 size = sizeof(name), program, type;
    __u64 offset, address;
    if (bpf_task_fd_query(pid, atoi(file->d_name), 0, name, &size, &program, &type, &offset,
                          &address) == 0)
      count += type == BPF_FD_TYPE_TRACEPOINT && is_syscall_tracepoint(name);
  }
  closedir(files);
  return count;
}

static int count_events(void) {
  DIR *processes = opendir("/proc");
  if (!processes) return 0;
  int count = 0;
  struct dirent *process;
  while ((process = readdir(processes)))
    if (atoi(process->d_name) > 0) count += count_events_of(atoi(process->d_name));
  closedir(processes);
  return count;
}

int main(void) {
  char line[64];
  while (fgets(line, sizeof(line), stdin)) {
    const int pid = atoi(line);
    printf("%d\n", pid > 0 ? count_events_of(pid) : count_links() + count_events());
    fflush(stdout);
  }
  return 0;
}
