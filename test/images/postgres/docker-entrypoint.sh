#!/bin/bash
# The official image's habits: an empty data folder is initialized from POSTGRES_*, then the server is the container's process.
set -euo pipefail

[ "${1:0:1}" != - ] || set -- postgres "$@"
[ "${1-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

fail() { echo "Error: $*" >&2; exit 1; }

# NAME or NAME_FILE.
file_env() {
  local name=$1 file=${1}_FILE
  [ -z "${!name-}" ] || [ -z "${!file-}" ] || fail "both $name and $file are set (but are exclusive)"
  [ -z "${!file-}" ] || export "$name=$(<"${!file}")"
  unset "$file"
}

run_sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"; }

initialize() {
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} file
  [ -n "${POSTGRES_PASSWORD-}" ] || [ "$method" = trust ] ||
    fail 'Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD'
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD-}") ${POSTGRES_INITDB_ARGS-} -D "$PGDATA"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses= -p 5432" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres --set db="$POSTGRES_DB" \
      <<<'CREATE DATABASE :"db";'
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
    *.sh) bash "$file" ;;
    *.sql) run_sql -f "$file" ;;
    *.sql.gz) gunzip -c "$file" | run_sql ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do file_env "$name"; done
export POSTGRES_USER=${POSTGRES_USER:-postgres}
export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
[ -s "$PGDATA/PG_VERSION" ] || initialize
exec "$@"
