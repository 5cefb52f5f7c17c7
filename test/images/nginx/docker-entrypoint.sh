#!/bin/sh
# The official image's habits: scripts in /docker-entrypoint.d, and templates filled from the environment.
set -e
for script in /docker-entrypoint.d/*.sh; do
  [ ! -x "$script" ] || "$script"
done
# shellcheck disable=SC2016
names=$(env | cut -d= -f1 | grep -E "${NGINX_ENVSUBST_FILTER:-.}" | sed 's/.*/${&}/' | tr '\n' ' ')
for template in /etc/nginx/templates/*.template; do
  [ -f "$template" ] || continue
  filled=/etc/nginx/conf.d/$(basename "$template" .template)
  envsubst "$names" <"$template" >"$filled"
done
exec "$@"
