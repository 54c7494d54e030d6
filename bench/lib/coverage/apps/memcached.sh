# shellcheck shell=bash
executables='/memcached(-debug)?$'
source=memcached
part='t/*.t (all that this build can run)'

prepare() {
  cd "$(tree "$source")"
  ln -sf /usr/bin/memcached memcached-debug
  [ -x timedrun ] || gcc -w -O1 -o timedrun timedrun.c
  # An option that Debian's build does not have.
  sed -i 's/^    \$args \.= " -o relaxed_privileges";$/    # /' t/lib/MemcachedTest.pm
}

benchmark() {
  /usr/bin/memcached -u root -l 127.0.0.1 -p 17911 -U 0 &
  server=$!
  wait_port 17911
  perl -MIO::Socket::INET -e '
    for my $c (1 .. 8) {
      my $s = IO::Socket::INET->new("127.0.0.1:17911") or die;
      for my $n (1 .. 1000) {
        my $v = "x" x ($n % 500);
        print $s "set k$n 0 0 " . length($v) . "\r\n$v\r\nget k$n\r\n";
        <$s> for 1 .. 4;
      }
    }'
  end "$server"
}

suite() {
  cd "$(tree "$source")"
  timeout 280 prove -j6 t/*.t || true
}
