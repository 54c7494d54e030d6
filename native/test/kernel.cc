#include "test/kernel.h"

#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace sysieve::test {
namespace {

#if defined(__x86_64__)
// One place in the program makes the probing call, so that its instruction pointer is known.
extern "C" {
long sysieve_test_probe(long number, const uint64_t* arguments);
extern const char sysieve_test_probe_return[];
}
asm(R"(
  .text
  .globl sysieve_test_probe
  .type sysieve_test_probe, @function
sysieve_test_probe:
  .cfi_startproc
  movq %rdi, %rax
  movq %rsi, %r11
  movq (%r11), %rdi
  movq 8(%r11), %rsi
  movq 16(%r11), %rdx
  movq 24(%r11), %r10
  movq 32(%r11), %r8
  movq 40(%r11), %r9
  syscall
  .globl sysieve_test_probe_return
sysieve_test_probe_return:
  ret
  .cfi_endproc
  .size sysieve_test_probe, .-sysieve_test_probe
)");
#endif

sock_filter Op(uint32_t code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {static_cast<__u16>(code), jt, jf, k};
}

// On the calling thread alone.
bool Install(const Instructions& program) {
  const sock_fprog described = {static_cast<unsigned short>(program.size()),
                                const_cast<sock_filter*>(program.data())};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                 &described) == 0;
}

template <typename Work>
void OnThread(const Work& work) {
  std::thread(work).join();
}

constexpr uint32_t kChunkBits = 12;  // an errno is at most 4095

}  // namespace

const char* WhyNoKernel() {
#if defined(__x86_64__)
  bool installed = false;
  OnThread([&] { installed = Install({Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}); });
  return installed ? nullptr : "seccomp filters cannot be installed here";
#else
  return "the probe of the kernel is written for x86_64";
#endif
}

Instructions Guarded(const Instructions& body) {
  Instructions out = {
      Op(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      Op(BPF_JMP | BPF_JEQ | BPF_K, kProbe, 1, 0),
      Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

bool KernelTakes(const Instructions& program) {
  bool taken = false;
  OnThread([&] { taken = Install(program); });
  return taken;
}

Instructions Answering(const Instructions& body) {
  Instructions out = body;
  out.pop_back();  // `return A`: the only one, and the place of the instruction that follows
  const uint32_t sixth = offsetof(seccomp_data, args) + 5 * sizeof(uint64_t);
  out.push_back(Op(BPF_ST, kReserved + 1));
  out.push_back(Op(BPF_LD | BPF_W | BPF_ABS, sixth));
  out.push_back(Op(BPF_MISC | BPF_TAX));
  out.push_back(Op(BPF_LD | BPF_MEM, kReserved + 1));
  out.push_back(Op(BPF_ALU | BPF_RSH | BPF_X));
  out.push_back(Op(BPF_ALU | BPF_AND | BPF_K, (1U << kChunkBits) - 1));
  out.push_back(Op(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO));
  out.push_back(Op(BPF_RET | BPF_A));
  return Guarded(out);
}

int SignalUnder(const Instructions& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (Install(Guarded(body))) syscall(kProbe);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

seccomp_data ProbeData(const std::array<uint64_t, 5>& arguments, uint64_t sixth) {
  seccomp_data out{};
  out.nr = kProbe;
  out.arch = AUDIT_ARCH_X86_64;
#if defined(__x86_64__)
  out.instruction_pointer = reinterpret_cast<uintptr_t>(sysieve_test_probe_return);
#endif
  for (size_t i = 0; i < arguments.size(); i++) out.args[i] = arguments[i];
  out.args[5] = sixth;
  return out;
}

std::vector<uint32_t> KernelAnswers(const Instructions& body,
                                    const std::vector<std::array<uint64_t, 5>>& arguments) {
  std::vector<uint32_t> out;
#if defined(__x86_64__)
  OnThread([&] {
    if (!Install(Answering(body))) return;
    for (const auto& five : arguments) {
      uint32_t answer = 0;
      for (uint32_t shift = 0; shift < 32; shift += kChunkBits) {
        const std::array<uint64_t, 6> six = {five[0], five[1], five[2], five[3], five[4], shift};
        answer |= static_cast<uint32_t>(-sysieve_test_probe(kProbe, six.data())) << shift;
      }
      out.push_back(answer);
    }
  });
#endif
  return out;
}

}  // namespace sysieve::test
