# shellcheck shell=bash
executables='/rsync$'
source=rsync
part='testsuite/*.test (all)'

prepare() {
  needs_libraries usr/bin/rsync
  cd "$(tree "$source")"
  local helpers='tls getgroups getfsdev testrun trimslash t_unsafe t_chmod_secure t_secure_relpath wildtest simdtest'
  [ -e Makefile ] || ./configure --disable-md2man --disable-openssl --disable-xxhash --disable-zstd --disable-lz4 CFLAGS=-O0
  # As shipped; to make them again takes autoconf.
  touch configure.sh config.h.in aclocal.m4
  # shellcheck disable=SC2086
  make $helpers
}

benchmark() {
  rm -rf "$work/data"
  install -d -o nobody "$work/data/module"
  local rsync=$root/usr/bin/rsync files
  files=$(tree "$source")
  "$rsync" -a "$files/" "$work/data/copy/"
  "$rsync" -a --delete "$files/" "$work/data/copy/"
  printf 'port = 17971\naddress = 127.0.0.1\nuse chroot = no\n[data]\npath = %s/data/module\nread only = no\n' "$work" >"$work/rsyncd.conf"
  "$rsync" --daemon --no-detach --config="$work/rsyncd.conf" &
  server=$!
  wait_port 17971
  "$rsync" -az "$files/" rsync://127.0.0.1:17971/data/
  "$rsync" -a rsync://127.0.0.1:17971/data/ "$work/data/back/"
  end "$server"
}

suite() {
  cd "$(tree "$source")"
  rsync_bin=$root/usr/bin/rsync TOOLDIR=$PWD timeout 280 ./runtests.sh || true
}
