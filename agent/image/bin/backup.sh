#!/bin/sh
# In the image, for runbooks that call it by this name: back up now.
#
#   backup.sh [SOURCE…]                  every source, or those that are named
#   backup.sh full [SOURCE…]             the same
#   backup.sh global [SOURCE…]           everything but the schemas of tenants, with the roles
#   backup.sh tenants-schemas [SOURCE…]  every tenant
#   backup.sh tenant ID[,ID] [SOURCE]    these tenants
#
# The options of `holdfast backup` may follow: --output ./backups --keep 7 writes plain files.
# shellcheck source=agent/image/modes.sh
. /opt/holdfast/agent/image/modes.sh
back_up holdfast "$@"
