# shellcheck shell=bash
executables='/haproxy$'
source=haproxy
part='reg-tests/**/*.vtc (all that varnishtest can run)'

prepare() { needs_libraries usr/sbin/haproxy; }

benchmark() {
  web_server 17942
  cat >"$work/haproxy.cfg" <<EOF
global
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend in
  bind 127.0.0.1:17941
  default_backend out
backend out
  server web 127.0.0.1:17942
EOF
  "$root/usr/sbin/haproxy" -db -f "$work/haproxy.cfg" &
  server=$!
  wait_port 17941
  wrk -t1 -c32 -d3 http://127.0.0.1:17941/page
  end "$server"
  end "$web"
}

suite() {
  cd "$(tree "$source")"
  export HAPROXY_PROGRAM=$root/usr/sbin/haproxy
  local libs=$root/usr/lib/x86_64-linux-gnu
  find reg-tests -name '*.vtc' | sort | LD_LIBRARY_PATH=$libs:$libs/varnish \
    timeout 280 xargs "$root/usr/bin/varnishtest" -q -k -j 4 -t 20 || true
}
