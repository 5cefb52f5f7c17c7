# shellcheck shell=bash
# Single packages out of another Debian suite, unpacked into a folder: the system's own lists and packages stay as they are.
# Needs say.sh and packages.sh. The mirror is the one that this machine's apt uses.

debian_mirror() {
  local mirror
  is_debian || return 1
  mirror=$(mirror_of base-files)
  if [ -z "$mirror" ] && can_install; then
    refresh_package_lists base-files
    mirror=$(mirror_of base-files)
  fi
  [ -n "$mirror" ] || return 1
  printf '%s\n' "$mirror"
}

is_debian() { have apt-get && grep -qx 'ID=debian' /etc/os-release 2>/dev/null; }

# apt reads both forms of sources.list for us: "500 MIRROR SUITE/main ARCH Packages".
mirror_of() { apt-cache policy "$1" 2>/dev/null | awk '$3 ~ /\/main$/ && $2 ~ /:\/\// && !seen++ { print $2 }'; }

# unpack_from SUITE FOLDER PACKAGE…: the packages' files are in FOLDER afterwards.
unpack_from() (
  suite=$1 folder=$2 mirror=$(debian_mirror) || die "no Debian mirror is known for ${*:3}" 'see /etc/apt/sources.list.d/' 2
  shift 2
  lists=$HOLDFAST_CACHE/apt/$suite
  mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
  exec 9>"$lists/lock"
  flock -w 300 9 || die "another run has been fetching packages from $suite for five minutes" "rm $lists/lock"
  printf 'deb [signed-by=%s] %s %s main\n' "$(debian_keyring)" "$mirror" "$suite" >"$lists/sources.list"
  options=(
    -o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists/cache" -o Acquire::Languages=none
    # A mirror may hold a testing suite's index for longer than the index says that it is valid.
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root
  )
  [ -n "$(find "$lists/lists" -name '*_Packages*' -mtime -1)" ] ||
    within 120 "reading Debian $suite's package list" apt-get -q "${options[@]}" update || exit 1
  rm -rf "$folder.part" && mkdir -p "$folder.part/deb"
  cd "$folder.part/deb" || exit 1
  within 300 "downloading $* from Debian $suite" apt-get -q "${options[@]}" download "$@" || {
    rm -rf "$lists/lists"
    die "$* could not be downloaded from Debian $suite" 'type the same command again: the list has been dropped and will be fetched anew'
  }
  for deb in ./*.deb; do dpkg -x "$deb" "$folder.part" || exit 1; done
  rm -rf "$folder.part/deb" "$folder"
  mv "$folder.part" "$folder"
)

debian_keyring() {
  local keyring
  for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ ! -r "$keyring" ] || { printf '%s\n' "$keyring"; return; }
  done
  die "Debian's archive keyring is missing" 'apt-get install debian-archive-keyring'
}
