#!/bin/sh
# compile.sh OUT_DIR: the BPF object, and a header that object.cc includes so that make sees the
# dependency which .incbin hides from the compiler. It says nothing of the directory it was made in.
set -eu
out=$1
clang -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Werror -Inative/bpf \
  -ffile-prefix-map="$(pwd -P)=." -ffile-prefix-map="$PWD=." \
  -c native/bpf/sysieve.bpf.c -o "$out/sysieve.bpf.o"
printf '#define SYSIEVE_BPF_OBJECT "%s/sysieve.bpf.o"\n' "$out" > "$out/sysieve_bpf_object.h"
