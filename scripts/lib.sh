# shellcheck shell=bash
# Shared by the scripts beside it: where things lie, how they speak, what is installed.
# Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export root
readonly EXIT_SYSTEM=4

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die STATUS MESSAGE…: every line after the first is a remedy or a detail.
die() {
  local status=$1
  shift
  say "$1"
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit "$status"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Node's headers beside the node that runs, so that nothing has to be downloaded for an addon.
# npm reads npm_config_nodedir, node-gyp the same variable.
use_local_node_headers() {
  [ -z "${npm_config_nodedir:-}" ] || return 0
  local prefix
  prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  for prefix in "$prefix" /usr /usr/local; do
    if [ -e "$prefix/include/node/node.h" ]; then
      export npm_config_nodedir="$prefix"
      return 0
    fi
  done
}

# with_lock NAME COMMAND…: two runs of the same step in one tree wait for each other.
# COMMAND runs as it is, not in a condition: there bash would ignore `set -e` in all of it.
with_lock() {
  mkdir -p "$root/out"
  local name=$1 fd
  shift
  exec {fd}>"$root/out/.$name.lock"
  flock "$fd"
  "$@"
  exec {fd}>&-
}

# quietly LOG COMMAND…: the output goes to LOG and is shown only on failure. COMMAND is a program,
# not a function: the condition below switches `set -e` off in it.
quietly() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    say "failed with status $status: $* (output kept in $log)"
  fi
  return "$status"
}
