# shellcheck shell=bash
# need_docker: an engine answers and `docker compose` (v2) works afterwards. Needs say.sh, packages.sh and debian.sh.
# Where no engine answers, Debian's is started beside the system, with its own folders and socket; DOCKER_HOST names it.
# stop_docker ends it if need_docker of the same shell started it.

DOCKER_HOME=$HOLDFAST_CACHE/docker
DOCKER_SUITE=trixie
DOCKER_STARTED=

need_docker() {
  engine_answers || use_private_engine
  compose_answers || use_private_plugins
  compose_answers || die 'docker compose does not answer' 'docker compose version'
}

engine_answers() { have docker && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# buildx too: compose builds with it.
compose_answers() {
  timeout 10 docker compose version --short 2>/dev/null | grep -q '^v\?[2-9]' && timeout 10 docker buildx version >/dev/null 2>&1
}

use_private_engine() {
  export DOCKER_HOST=unix://$DOCKER_HOME/engine.sock
  ! engine_answers || return 0
  can_install || die 'no Docker engine answers, and only root can start one here' 'sudo systemctl start docker   (or install Docker: docs.docker.com)' 2
  is_debian || die 'no Docker engine answers, and this script knows how to install one on Debian only' 'see docs.docker.com' 2
  need_packages 'a Docker engine of our own' docker.io iptables ca-certificates
  # Newer Debians keep the client in a package of its own.
  have docker || need_packages 'the client of the Docker engine' docker-cli
  start_engine
}

start_engine() {
  mkdir -p "$DOCKER_HOME"
  local deadline=$((SECONDS + 90)) pid
  exec 8>"$DOCKER_HOME/lock"
  flock -w 120 8 || die 'another run is starting the Docker engine and does not finish' "rm $DOCKER_HOME/lock"
  if ! engine_answers; then
    say 'starting a Docker engine of our own'
    rm -f "$DOCKER_HOME/engine.pid"
    setsid dockerd --data-root "$DOCKER_HOME/data" --exec-root "$DOCKER_HOME/run" --pidfile "$DOCKER_HOME/engine.pid" \
      -H "$DOCKER_HOST" --log-level warn >"$DOCKER_HOME/engine.log" 2>&1 </dev/null 8>&- &
    pid=$!
    until engine_answers; do
      if [ ! -d "/proc/$pid" ] || [ $SECONDS -ge $deadline ]; then
        excerpt "$DOCKER_HOME/engine.log" >&2
        die 'the Docker engine did not start' "less $DOCKER_HOME/engine.log"
      fi
      sleep 0.2
    done
    DOCKER_STARTED=$pid
  fi
  exec 8>&-
}

stop_docker() {
  [ -n "$DOCKER_STARTED" ] || return 0
  stop_engine "$DOCKER_STARTED"
  DOCKER_STARTED=
}

# For an engine that an earlier run has left running.
stop_private_docker() {
  local pid
  pid=$(cat "$DOCKER_HOME/engine.pid" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
  stop_engine "$pid"
}

stop_engine() {
  local deadline=$((SECONDS + 60))
  kill "$1" 2>/dev/null || return 0
  while [ -d "/proc/$1" ]; do
    [ $SECONDS -lt $deadline ] || die "the Docker engine (process $1) does not end" "kill -9 $1"
    sleep 0.2
  done
}

# Debian 12's own docker-compose is the retired 1.29; the plugins of the next Debian run there.
use_private_plugins() {
  local tools=$HOLDFAST_CACHE/tools/compose-$DOCKER_SUITE plugin
  export DOCKER_CONFIG=$DOCKER_HOME/config
  ! compose_answers || return 0
  is_debian || die 'docker compose (v2) or docker buildx is missing' 'install both plugins: docs.docker.com/compose/install/linux' 2
  say "fetching docker compose and buildx out of Debian $DOCKER_SUITE"
  unpack_from "$DOCKER_SUITE" "$tools" docker-compose docker-buildx
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  for plugin in docker-compose docker-buildx; do
    ln -sfn "$tools/usr/libexec/docker/cli-plugins/$plugin" "$DOCKER_CONFIG/cli-plugins/$plugin"
  done
}
