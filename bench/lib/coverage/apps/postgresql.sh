# shellcheck shell=bash
executables='/postgres$'
source=postgresql-15
part='src/test/regress, parallel_schedule (all, against a running server)'
bin=/usr/lib/postgresql/15/bin

as_user() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }

prepare() {
  cd "$(tree "$source")/src/test/regress"
  [ -e regress.so ] || gcc -O1 -fPIC -shared -w -I"$root/usr/include/postgresql/15/server" \
    -I"$root/usr/include/postgresql" -o regress.so regress.c
  chown -R nobody .
  [ -e "$work/new/PG_VERSION" ] && return
  install -d -o nobody "$work/new"
  as_user $bin/initdb -D "$work/new" --no-sync -A trust -U postgres --no-locale -E UTF8
}

# A new cluster was made beforehand: neither run has initdb's calls.
serve() {
  rm -rf "$work/data"
  cp -a "$work/new" "$work/data"
  # Not by the function: what is ended must be the server, not a shell around it.
  setpriv --reuid=nobody --regid=nogroup --clear-groups $bin/postgres -D "$work/data" -p 17981 -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$work/data" >"$work/server.log" 2>&1 &
  server=$!
  wait_port 17981
  for _ in $(seq 50); do $bin/pg_isready -q -h 127.0.0.1 -p 17981 && return; sleep 0.2; done
}

benchmark() {
  serve
  $bin/pgbench -h 127.0.0.1 -p 17981 -U postgres -i -s 1 postgres
  $bin/pgbench -h 127.0.0.1 -p 17981 -U postgres -c 4 -T 5 postgres
  end "$server"
}

suite() {
  serve
  cd "$(tree "$source")/src/test/regress"
  as_user timeout 280 /usr/lib/postgresql/15/lib/pgxs/src/test/regress/pg_regress \
    --inputdir=. --outputdir="$work/data" --bindir=$bin --dlpath=. --host=127.0.0.1 --port=17981 \
    --user=postgres --max-concurrent-tests=20 --schedule=parallel_schedule || true
  end "$server"
}
