#!/bin/bash
# The official image's habits: an empty data folder is initialized from MYSQL_*, then the server is the container's process.
set -euo pipefail

[ "${1:0:1}" != - ] || set -- mysqld "$@"
[ "${1-}" = mysqld ] || exec "$@"

fail() { echo "[Entrypoint] ERROR: $*" >&2; exit 1; }

# NAME or NAME_FILE.
file_env() {
  local name=$1 file=${1}_FILE
  [ -z "${!name-}" ] || [ -z "${!file-}" ] || fail "both $name and $file are set (but are exclusive)"
  [ -z "${!file-}" ] || export "$name=$(<"${!file}")"
  unset "$file"
}

sql_string() { local text=${1//\\/\\\\}; printf "'%s'" "${text//\'/\\\'}"; }
# shellcheck disable=SC2016
sql_name() { printf '`%s`' "${1//\`/\`\`}"; }
run_sql() { mysql --no-defaults -uroot -hlocalhost --socket=/var/run/mysqld/mysqld.sock "$@"; }

initialize() {
  local host=${MYSQL_ROOT_HOST-%} server file
  [ -n "${MYSQL_ROOT_PASSWORD-}${MYSQL_ALLOW_EMPTY_PASSWORD-}${MYSQL_RANDOM_ROOT_PASSWORD-}" ] ||
    fail 'database is uninitialized: set MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD or MYSQL_RANDOM_ROOT_PASSWORD'
  if [ -n "${MYSQL_RANDOM_ROOT_PASSWORD-}" ]; then
    MYSQL_ROOT_PASSWORD=$(openssl rand -base64 24)
    echo "GENERATED ROOT PASSWORD: $MYSQL_ROOT_PASSWORD"
  fi
  mysqld --initialize-insecure --user=mysql
  "$@" --skip-networking --mysqlx=OFF --daemonize=OFF &
  server=$!
  until run_sql -e 'select 1' >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail 'the server ended while it was being initialized'
    sleep 0.1
  done
  if [ "$host" != localhost ]; then
    run_sql -e "CREATE USER root@$(sql_string "$host") IDENTIFIED BY $(sql_string "${MYSQL_ROOT_PASSWORD-}");
      GRANT ALL ON *.* TO root@$(sql_string "$host") WITH GRANT OPTION"
  fi
  run_sql -e "ALTER USER root@localhost IDENTIFIED BY $(sql_string "${MYSQL_ROOT_PASSWORD-}")"
  export MYSQL_ROOT_PASSWORD=${MYSQL_ROOT_PASSWORD-}
  export MYSQL_PWD=$MYSQL_ROOT_PASSWORD
  if [ -n "${MYSQL_DATABASE-}" ]; then run_sql -e "CREATE DATABASE IF NOT EXISTS $(sql_name "$MYSQL_DATABASE")"; fi
  if [ -n "${MYSQL_USER-}" ] && [ -n "${MYSQL_PASSWORD-}" ]; then
    run_sql -e "CREATE USER $(sql_string "$MYSQL_USER")@'%' IDENTIFIED BY $(sql_string "$MYSQL_PASSWORD")"
    # In a GRANT, "_" is a wildcard.
    [ -z "${MYSQL_DATABASE-}" ] ||
      run_sql -e "GRANT ALL ON $(sql_name "${MYSQL_DATABASE//_/\\_}").* TO $(sql_string "$MYSQL_USER")@'%'"
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
    *.sh) bash "$file" ;;
    *.sql) run_sql ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} <"$file" ;;
    *.sql.gz) gunzip -c "$file" | run_sql ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} ;;
    esac
  done
  kill "$server"
  wait "$server"
  unset MYSQL_PWD
}

if [ "$(id -u)" = 0 ]; then
  mkdir -p /var/lib/mysql /var/run/mysqld
  chown mysql:mysql /var/lib/mysql /var/run/mysqld
fi
for name in MYSQL_ROOT_PASSWORD MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD MYSQL_ROOT_HOST; do file_env "$name"; done
[ -d /var/lib/mysql/mysql ] || initialize "$@"
exec "$@"
