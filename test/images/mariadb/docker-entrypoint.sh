#!/bin/bash
# The official image's habits: an empty data folder is initialized from MARIADB_* or MYSQL_*, then the server is the container's process.
set -euo pipefail

[ "${1:0:1}" != - ] || set -- mariadbd "$@"
[ "${1-}" = mariadbd ] || [ "${1-}" = mysqld ] || exec "$@"

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
run_sql() { mariadb --no-defaults -uroot -hlocalhost --socket=/run/mysqld/mysqld.sock "$@"; }

initialize() {
  local host=${MARIADB_ROOT_HOST-%} server file
  [ -n "${MARIADB_ROOT_PASSWORD-}${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD-}${MARIADB_RANDOM_ROOT_PASSWORD-}" ] ||
    fail 'database is uninitialized: set MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD or MARIADB_RANDOM_ROOT_PASSWORD'
  if [ -n "${MARIADB_RANDOM_ROOT_PASSWORD-}" ]; then
    MARIADB_ROOT_PASSWORD=$(openssl rand -base64 24)
    echo "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  fi
  mariadb-install-db --user=mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
  "$@" --skip-networking &
  server=$!
  until run_sql -e 'select 1' >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail 'the server ended while it was being initialized'
    sleep 0.1
  done
  if [ "$host" != localhost ]; then
    run_sql -e "CREATE USER root@$(sql_string "$host") IDENTIFIED BY $(sql_string "${MARIADB_ROOT_PASSWORD-}");
      GRANT ALL ON *.* TO root@$(sql_string "$host") WITH GRANT OPTION"
  fi
  run_sql -e "ALTER USER root@localhost IDENTIFIED BY $(sql_string "${MARIADB_ROOT_PASSWORD-}")"
  export MARIADB_ROOT_PASSWORD=${MARIADB_ROOT_PASSWORD-}
  export MYSQL_PWD=$MARIADB_ROOT_PASSWORD
  if [ -n "${MARIADB_DATABASE-}" ]; then run_sql -e "CREATE DATABASE IF NOT EXISTS $(sql_name "$MARIADB_DATABASE")"; fi
  if [ -n "${MARIADB_USER-}" ] && [ -n "${MARIADB_PASSWORD-}" ]; then
    run_sql -e "CREATE USER $(sql_string "$MARIADB_USER")@'%' IDENTIFIED BY $(sql_string "$MARIADB_PASSWORD")"
    # In a GRANT, "_" is a wildcard.
    [ -z "${MARIADB_DATABASE-}" ] ||
      run_sql -e "GRANT ALL ON $(sql_name "${MARIADB_DATABASE//_/\\_}").* TO $(sql_string "$MARIADB_USER")@'%'"
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
    *.sh) bash "$file" ;;
    *.sql) run_sql ${MARIADB_DATABASE:+"$MARIADB_DATABASE"} <"$file" ;;
    *.sql.gz) gunzip -c "$file" | run_sql ${MARIADB_DATABASE:+"$MARIADB_DATABASE"} ;;
    esac
  done
  kill "$server"
  wait "$server"
  unset MYSQL_PWD
}

if [ "$(id -u)" = 0 ]; then
  mkdir -p /var/lib/mysql /run/mysqld
  chown mysql:mysql /var/lib/mysql /run/mysqld
fi
for name in ROOT_PASSWORD RANDOM_ROOT_PASSWORD DATABASE USER PASSWORD ROOT_HOST; do
  file_env "MYSQL_$name"
  file_env "MARIADB_$name"
  old=MYSQL_$name new=MARIADB_$name
  [ -z "${!old-}" ] || [ -n "${!new-}" ] || export "$new=${!old}"
done
[ -d /var/lib/mysql/mysql ] || initialize "$@"
exec "$@"
