# shellcheck shell=bash
executables='/lighttpd$'
source=lighttpd
part='tests/*.t (all)'

prepare() {
  needs_libraries usr/sbin/lighttpd
  cd "$(tree "$source")"
  mkdir -p src/.libs
  ln -sf "$root"/usr/lib/lighttpd/*.so src/.libs/
  ln -sf "$root/usr/sbin/lighttpd" src/lighttpd
  cd tests
  for helper in fcgi scgi; do
    [ -x "$helper-responder" ] || gcc -w -O1 -I ../src -o "$helper-responder" "$helper-responder.c"
  done
}

benchmark() {
  mkdir -p "$work/www"
  head -c 20000 /dev/zero >"$work/www/page"
  echo hello >"$work/www/index.html"
  cat >"$work/lighttpd.conf" <<EOF
server.document-root = "$work/www"
server.bind = "127.0.0.1"
server.port = 17931
server.errorlog = "$work/error.log"
server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect", "mod_staticfile")
index-file.names = ("index.html")
EOF
  "$root/usr/sbin/lighttpd" -D -f "$work/lighttpd.conf" -m "$root/usr/lib/lighttpd" &
  server=$!
  wait_port 17931
  wrk -t1 -c32 -d2 http://127.0.0.1:17931/
  wrk -t1 -c32 -d2 http://127.0.0.1:17931/page
  end "$server"
}

suite() {
  cd "$(tree "$source")/tests"
  export top_builddir=.. srcdir=.
  sh ./prepare.sh
  timeout 280 perl run-tests.pl || true
}
