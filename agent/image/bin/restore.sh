#!/bin/sh
# In the image: restores a file that backup.sh wrote, .gz or not, into a new database.
#
#   restore.sh full FILE         a whole dump
#   restore.sh tenant ID FILE    a tenant's dump, with the prelude that lies beside it
#   restore.sh sqlfile FILE      a script of SQL
#
# The options of `holdfast load` may follow: --to NAME.
# shellcheck source=agent/image/modes.sh
. /opt/holdfast/agent/image/modes.sh
restore holdfast "$@"
