# shellcheck shell=bash
# need_restic and need_rest_server: the real programs, on PATH. Needs say.sh, packages.sh and debian.sh.
# Where they cannot be fetched (no Debian, or no list of its packages and no root), they are named among what is to be installed (exit 2).

RESTIC_MINIMUM=0.19.1
RESTIC_SUITE=forky

need_restic() {
  [ -z "$(good_restic)" ] || return 0
  can_fetch || to_install "restic>=$RESTIC_MINIMUM" 'a real restic, which the agent refuses when it is older' 'https://restic.net has a binary: put it on PATH'
  say "fetching restic >= $RESTIC_MINIMUM out of Debian $RESTIC_SUITE (the agent refuses older ones)"
  need_tool restic || die 'restic could not be installed' 'see https://restic.net for a binary, and put it on PATH'
  [ -n "$(good_restic)" ] || die "restic is $(restic version) and not >= $RESTIC_MINIMUM" 'put a newer restic on PATH'
}

need_rest_server() {
  have rest-server || have restic-rest-server || {
    can_fetch || to_install rest-server 'a restic repository over the network' 'https://github.com/restic/rest-server/releases has a binary: put it on PATH'
    say "fetching rest-server out of Debian $RESTIC_SUITE (a restic repository over the network)"
    need_tool restic-rest-server || die 'rest-server could not be installed'
  }
  have rest-server || ln -sfn "$(command -v restic-rest-server)" "$HOLDFAST_BIN/rest-server"
}

good_restic() {
  local version
  version=$(restic version 2>/dev/null | awk 'NR == 1 { print $2 }') || return 0
  [ -n "$version" ] || return 0
  [ "$(printf '%s\n' "$RESTIC_MINIMUM" "$version" | sort -V | head -n 1)" = "$RESTIC_MINIMUM" ] || return 0
  printf '%s\n' "$version"
}

can_fetch() { debian_mirror >/dev/null; }

# The programs are static: a newer suite's package runs on an older Debian. Called where a failure is answered, so no command ends it by itself.
need_tool() {
  local package=$1 folder=$HOLDFAST_CACHE/tools/$1-$RESTIC_SUITE program
  unpack_from "$RESTIC_SUITE" "$folder" "$package" || return
  for program in "$folder"/usr/bin/*; do
    ln -sfn "$program" "$HOLDFAST_BIN/$(basename "$program")"
  done
}
