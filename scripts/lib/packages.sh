# shellcheck shell=bash
# need_packages WHY PACKAGE…: the Debian packages are installed afterwards; silent if they already were.
# Needs say.sh. Installs as root with apt only; anybody else is told what to install (exit 2).

need_packages() {
  local why=$1 missing=() package
  shift
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! can_install; then
    [ -z "${MISSING_PACKAGES-}" ] || { printf '%s\n' "${missing[@]}" >>"$MISSING_PACKAGES"; exit 2; }
    die "$why: needs ${missing[*]}, and only root can install packages here" \
      "sudo apt-get install --no-install-recommends ${missing[*]}" 2
  fi
  say "installing ${missing[*]} ($why)"
  refresh_package_lists "${missing[@]}"
  without_starting_services within 900 "installing ${missing[*]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install "${missing[@]}" ||
    die "$why: apt-get could not install ${missing[*]}" "apt-get update && apt-get install ${missing[*]}"
}

# to_install PROGRAM WHY WHERE: one that no package of this system brings; nobody can go on before it is there (exit 2).
to_install() {
  [ -z "${MISSING_PROGRAMS-}" ] || { printf '%s\n' "$1" >>"$MISSING_PROGRAMS"; exit 2; }
  die "$2: needs $1, which cannot be fetched here" "$3" 2
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

can_install() { [ "$(id -u)" = 0 ] && have apt-get; }

# Old lists name versions that the mirror has dropped since: one update a day, and one when a package is unknown.
refresh_package_lists() {
  local package unknown=0
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || unknown=1
  done
  if [ "$unknown" = 1 ] || [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null)" ]; then
    within 180 'apt-get update' apt-get -q update || die 'the package lists cannot be fetched' 'apt-get update'
  fi
}

# Debian starts a daemon as soon as its package is installed, unless policy-rc.d says no.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d code=0
  [ ! -e "$policy" ] || { "$@"; return; }
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  "$@" || code=$?
  rm -f "$policy"
  return "$code"
}
