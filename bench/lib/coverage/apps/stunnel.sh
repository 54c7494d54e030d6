# shellcheck shell=bash
executables='/stunnel4?$'
source=stunnel4
part='tests/maketest.py (all)'

prepare() {
  needs_libraries usr/bin/stunnel4
  cd "$(tree "$source")"
  ln -sf "$root/usr/bin/stunnel4" src/stunnel
  cd tests/certs
  [ -e server_cert.pem ] || sh ./maketestcert.sh
}

benchmark() {
  web_server 17962
  cat >"$work/stunnel.conf" <<EOF
foreground = yes
pid = $work/stunnel.pid
[web]
accept = 127.0.0.1:17961
connect = 127.0.0.1:17962
cert = $(tree "$source")/tests/certs/server_cert.pem
EOF
  "$root/usr/bin/stunnel4" "$work/stunnel.conf" &
  server=$!
  wait_port 17961
  wrk -t1 -c8 -d3 https://127.0.0.1:17961/page
  end "$server"
  end "$web"
}

suite() {
  cd "$(tree "$source")/tests"
  AUTOPKGTEST_TMP=1 timeout 280 /usr/bin/python3 maketest.py --debug=30 --libs=/usr/lib/x86_64-linux-gnu || true
}
