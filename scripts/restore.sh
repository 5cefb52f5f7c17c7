#!/bin/sh
# Use it in a clone where the image has "restore.sh": scripts/restore.sh full FILE | tenant ID FILE | sqlfile FILE, .gz or not, into a
# new database; the options of `holdfast load` may follow (--to NAME).
here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source=agent/image/modes.sh
. "$here/../agent/image/modes.sh"
restore "$here/holdfast" "$@"
