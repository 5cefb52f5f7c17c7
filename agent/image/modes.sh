# shellcheck shell=sh
# Sourced by backup.sh and restore.sh, in the image and in a clone, which say first what to call: what people type for parts of
# a database, as `holdfast backup` and `holdfast load` have it.

back_up() {
  program=$1
  shift
  case ${1-} in
    full) shift ;;
    global) shift && set -- --global "$@" ;;
    tenants-schemas) shift && set -- --tenants "$@" ;;
    tenant)
      [ $# -ge 2 ] || refuse 'tenant needs an id: backup.sh tenant ID[,ID]'
      id=$2
      shift 2 && set -- --tenant="$id" "$@"
      ;;
  esac
  exec "$program" backup "$@"
}

restore() {
  program=$1
  shift
  case ${1-} in
    full)
      [ $# -ge 2 ] || refuse 'full needs a file: restore.sh full FILE'
      shift
      ;;
    tenant)
      [ $# -ge 3 ] || refuse 'tenant needs an id and a file: restore.sh tenant ID FILE'
      id=$2
      shift 2 && set -- --tenant="$id" "$@"
      ;;
    sqlfile)
      [ $# -ge 2 ] || refuse 'sqlfile needs a file: restore.sh sqlfile FILE'
      shift && set -- --script "$@"
      ;;
    *) refuse 'say what to restore: restore.sh full FILE, tenant ID FILE, or sqlfile FILE' ;;
  esac
  exec "$program" load "$@"
}

refuse() {
  echo "error: $1" >&2
  exit 2
}
