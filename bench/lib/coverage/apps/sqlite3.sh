# shellcheck shell=bash
executables='^/usr/bin/sqlite3$'
source=sqlite3
part="test/shell*.test (all tests of the command line, by upstream's testfixture)"

prepare() {
  cd "$(tree "$source")"
  [ -e Makefile ] || ./configure --disable-amalgamation --with-tcl=/usr/lib/tcl8.6 CFLAGS=-O0
  [ -x testfixture ] || make testfixture
  # testfixture's library, which it finds by this variable, is not the one that sqlite3 needs.
  rm -f sqlite3
  printf '#!/bin/sh\nunset LD_LIBRARY_PATH\nexec /usr/bin/sqlite3 "$@"\n' >sqlite3
  chmod +x sqlite3
}

benchmark() {
  rm -f "$work/bench.db"*
  /usr/bin/sqlite3 "$work/bench.db" <<'EOF'
CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<50000)
  INSERT INTO t SELECT i, (i*7919)%50000, printf('row %d', i) FROM n;
COMMIT;
CREATE INDEX t_b ON t(b);
SELECT count(*), avg(b) FROM t WHERE b BETWEEN 1000 AND 20000;
UPDATE t SET c = c || '!' WHERE b < 10000;
DELETE FROM t WHERE a % 3 = 0;
INSERT INTO t(b, c) VALUES(1, 'one');
INSERT INTO t(b, c) VALUES(2, 'two');
SELECT count(*) FROM t ORDER BY c;
PRAGMA integrity_check;
EOF
}

suite() {
  cd "$(tree "$source")"
  for test in test/shell*.test; do
    timeout 120 ./testfixture "$test" || true
  done
}
