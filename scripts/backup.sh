#!/bin/sh
# Use it in a clone where the image has "backup.sh": scripts/backup.sh full | global | tenants-schemas | tenant ID, with the options of
# `holdfast backup` behind (--output ./backups --keep 7 writes plain files). Without a word it backs up everything.
here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source=agent/image/modes.sh
. "$here/../agent/image/modes.sh"
back_up "$here/holdfast" "$@"
