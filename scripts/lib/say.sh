# shellcheck shell=bash
# To be sourced first by every other file here: where things live, and how the scripts speak.
# Progress goes to stderr, so that a script's stdout stays its answer.

HOLDFAST_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
HOLDFAST_CACHE=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}
HOLDFAST_BIN=$HOLDFAST_CACHE/bin
mkdir -p "$HOLDFAST_BIN"
case ":$PATH:" in
*":$HOLDFAST_BIN:"*) ;;
*) PATH=$HOLDFAST_BIN:$PATH ;;
esac
# Debian keeps some daemons (dockerd, nginx, sshd) where an ordinary user's PATH does not look.
case ":$PATH:" in
*:/usr/sbin:*) ;;
*) PATH=$PATH:/usr/sbin:/sbin ;;
esac
export HOLDFAST_ROOT HOLDFAST_CACHE HOLDFAST_BIN PATH

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HINT] [EXIT CODE]: what failed, what to type next.
die() {
  say "error: $1"
  [ -z "${2-}" ] || say "hint: $2"
  exit "${3:-1}"
}

have() { command -v "$1" >/dev/null 2>&1; }

# within SECONDS WHAT COMMAND…: runs quietly with a deadline; shows the command's own words only if it fails.
within() {
  local seconds=$1 what=$2 log code=0
  shift 2
  log=$(mktemp)
  timeout --kill-after=10 "$seconds" "$@" >"$log" 2>&1 </dev/null || code=$?
  if [ "$code" -ne 0 ]; then
    excerpt "$log" >&2
    rm -f "$log"
    [ "$code" -ne 124 ] || say "error: $what was not done after $seconds seconds"
    say "error: $what failed (exit $code): $*"
    return "$code"
  fi
  rm -f "$log"
}

# The first lines say why, the last ones where it ended.
excerpt() {
  if [ "$(wc -l <"$1")" -le 30 ]; then
    cat "$1"
  else
    head -n 12 "$1"
    echo …
    tail -n 12 "$1"
  fi | cut -c1-400 | sed 's/^/    /'
}
