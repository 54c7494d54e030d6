// The cheapest programs that can hang on the syscall tracepoints: what any BPF recorder pays at
// least, and so the yardstick for this one.
#include <linux/bpf.h>
//
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sys_enter")
int empty_enter(void *context) { return 0; }

SEC("tp_btf/sys_exit")
int empty_exit(void *context) { return 0; }
