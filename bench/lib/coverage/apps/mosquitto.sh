# shellcheck shell=bash
executables='/mosquitto$'
source=mosquitto
part='test/broker/*.py (all that upstream runs and ships)'

prepare() {
  needs_libraries usr/sbin/mosquitto
  cd "$(tree "$source")/test"
  sed -i "s|'/usr/sbin/mosquitto'|'$root/usr/sbin/mosquitto'|" ./*.py broker/*.py
  # Tests that upstream names and Debian's source does not have.
  sed -i "s|^ptest.run_tests(tests)|import os; ptest.run_tests([t for t in tests if os.path.exists(t[1] if isinstance(t[1], str) else t[1][0])])|" broker/test.py
  [ -e ssl/server.crt ] || (cd ssl && bash gen.sh)
  cd broker/c
  ln -sf /usr/lib/x86_64-linux-gnu/libmosquitto.so.1 libmosquitto.so
  make CFLAGS='-w -I../../../include -L.'
  ln -sf "$root/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so" ../../../plugins/dynamic-security/
  chmod a+x ../*.py
  # The broker gives its privileges up for those of nobody.
  chown -R nobody "$(tree "$source")/test"
  chmod -R a+rX "$(tree "$source")/test"
}

benchmark() {
  install -d -o nobody "$work/data"
  rm -f "$work"/data/*
  printf 'listener 17951 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/data/\nuser nobody\n' \
    "$work" >"$work/mosquitto.conf"
  "$root/usr/sbin/mosquitto" -c "$work/mosquitto.conf" &
  server=$!
  wait_port 17951
  mosquitto_sub -p 17951 -q 1 -t bench -C 3000 >/dev/null &
  sub=$!
  sleep 0.5
  seq 3000 | mosquitto_pub -p 17951 -q 1 -t bench -l
  seq 200 | mosquitto_pub -p 17951 -q 2 -t kept -r -l
  wait "$sub"
  end "$server"
}

suite() {
  cd "$(tree "$source")/test/broker"
  timeout 150 /usr/bin/python3 test.py || true
}
