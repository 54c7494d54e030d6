# shellcheck shell=bash
executables='/redis-server$'
source=redis
part='unit/type/{string,stream}, unit/{other,introspection,aofrw,shutdown,maxmemory,lazyfree,networking,oom-score-adj,latency-monitor,scripting}, integration/{aof,rdb,logging,psync2-reg,replication-2}'

prepare() {
  cd "$(tree "$source")"
  for tool in server cli benchmark check-aof check-rdb; do
    ln -sf "/usr/bin/redis-$tool" "src/redis-$tool"
  done
}

benchmark() {
  rm -rf "$work/data"
  mkdir -p "$work/data"
  /usr/bin/redis-server --port 17921 --bind 127.0.0.1 --dir "$work/data" --logfile "$work/redis.log" &
  server=$!
  wait_port 17921
  redis-benchmark -p 17921 -n 5000 -c 50 -q -t ping,set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset
  end "$server"
}

suite() {
  cd "$(tree "$source")"
  local units=()
  for unit in unit/type/{string,stream} \
    unit/{other,introspection,aofrw,shutdown,maxmemory,lazyfree,networking,oom-score-adj,latency-monitor,scripting} \
    integration/{aof,rdb,logging,psync2-reg,replication-2}; do
    units+=(--single "$unit")
  done
  timeout 280 ./runtest --clients 5 "${units[@]}" || true
}
