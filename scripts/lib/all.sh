# shellcheck shell=bash
# To be sourced by the scripts: everything here, and need PART, which knows what each part consists of.

lib=${lib:-$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)}
for file in say packages debian npm restic docker images; do
  # shellcheck source=/dev/null
  . "$lib/$file.sh"
done
unset file

PARTS='npm restic rest-server mariadb postgres nginx caddy curl wrk pigz sftp shellcheck chromium docker images'

need() {
  case "$1" in
  npm) need_npm ;;
  restic) need_restic ;;
  rest-server) need_rest_server ;;
  mariadb) have_all mariadbd mariadb-dump mariadb-install-db || need_packages 'a real MariaDB to back up' mariadb-server mariadb-client ;;
  postgres) have_postgres || need_packages 'a real PostgreSQL to back up' postgresql postgresql-client ;;
  nginx) have nginx || need_packages 'the gate' nginx ;;
  caddy) have caddy || need_packages 'a proxy that asks the sentinel' caddy ;;
  curl) have curl || need_packages 'asking the gate as the documentation does' curl ;;
  wrk) have wrk || need_packages 'measuring the gate' wrk ;;
  pigz) have_all pigz zstd || need_packages 'compressing dumps' pigz zstd ;;
  sftp) have_sftp || need_packages 'a repository over SFTP' openssh-server openssh-client ;;
  shellcheck) have shellcheck || need_packages 'checking the shell scripts' shellcheck ;;
  chromium) have chromium || need_packages 'looking at the page in a browser' chromium ;;
  docker) need_docker ;;
  images)
    need_docker
    need_images
    ;;
  *) die "there is no part named $1" "scripts/setup PART…, with the parts: $PARTS" 2 ;;
  esac
}

# need_all PART…: like need for each of them. Somebody who cannot install packages is told at once all that is missing (exit 2).
need_all() {
  local part code=0 packages programs
  if ! can_install; then
    MISSING_PACKAGES=$(mktemp)
    MISSING_PROGRAMS=$(mktemp)
    for part in "$@"; do (need "$part") || code=$?; done
    packages=$(sort -u "$MISSING_PACKAGES" | paste -sd ' ')
    programs=$(sort -u "$MISSING_PROGRAMS" | paste -sd ' ')
    rm -f "$MISSING_PACKAGES" "$MISSING_PROGRAMS"
    unset MISSING_PACKAGES MISSING_PROGRAMS
    [ -z "$packages$programs" ] || die_of_missing "$packages" "$programs"
    [ "$code" = 0 ] || exit "$code"
  fi
  for part in "$@"; do need "$part"; done
}

die_of_missing() {
  local packages=$1 programs=$2
  have apt-get || die "these are missing, and there is no apt-get here to install them: $packages${programs:+${packages:+ }$programs}" \
    "install them with this system's own package manager; the names are Debian's${programs:+; $programs: from https://restic.net if it has none}" 2
  [ -n "$packages" ] || die "these programs are missing, and cannot be fetched here: $programs" 'https://restic.net has binaries: put them on PATH' 2
  die "these Debian packages are missing, and only root can install them: $packages${programs:+; and these programs, which cannot be fetched here: $programs}" \
    "sudo apt-get install --no-install-recommends $packages${programs:+; $programs: from https://restic.net, onto PATH}" 2
}

have_all() {
  local program
  for program in "$@"; do have "$program" || return 1; done
}

# Debian keeps each major's programs in a folder of its own, off PATH.
have_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb; }
have_sftp() { have ssh && have sshd && [ -x /usr/lib/openssh/sftp-server ]; }

# What the parts need in the environment of those who use them, as lines for eval.
environment() {
  local name
  for name in PATH DOCKER_HOST DOCKER_CONFIG POSTGRES_CLIENTS; do
    [ -z "${!name-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
  done
}
