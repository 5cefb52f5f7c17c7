#!/bin/sh
# The two questions that people ask of the official image's script: --connect and --innodb_initialized.
set -e
for question in "$@"; do
  case "$question" in
  # Over TCP any answer of the server will do, even "access denied": while it is being initialized it does not listen.
  --connect) mariadb-admin --no-defaults -h127.0.0.1 -unobody --skip-ssl ping >/dev/null 2>&1 ;;
  --innodb_initialized) [ -s /var/lib/mysql/ibdata1 ] ;;
  *) echo "healthcheck.sh: unknown question $question" >&2; exit 1 ;;
  esac
done
