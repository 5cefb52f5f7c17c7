# shellcheck shell=bash
# need_images: every image that the Dockerfiles, the compose files and the compose tests ask for can be had afterwards.
# Needs say.sh, packages.sh, debian.sh, restic.sh, npm.sh and docker.sh, and a working engine (need_docker).
# Where the engine reaches an image registry that is all. Where it does not, stand-ins are made: test/images/README.md.

IMAGES=$HOLDFAST_ROOT/test/images
STAND_IN_LABEL=holdfast.stand-in

need_images() {
  if registry_answers; then
    pull_real_images
  else
    # Only these two majors can be had from Debian.
    export POSTGRES_CLIENTS=17-18
    make_stand_ins
  fi
  make_image holdfast-test-s3 s3
}

# Asked through the engine, which may know a mirror or a proxy that we do not; decided once.
registry_answers() {
  if [ -z "${REGISTRY_ANSWERS-}" ]; then
    REGISTRY_ANSWERS=no
    ! timeout 15 docker pull -q hello-world:latest >/dev/null 2>&1 || REGISTRY_ANSWERS=yes
    export REGISTRY_ANSWERS
  fi
  [ "$REGISTRY_ANSWERS" = yes ]
}

# A stand-in from an earlier day must not stay in the way of the image that it stood in for.
pull_real_images() {
  local image
  while read -r image _; do
    case "$image" in '' | '#'*) continue ;; esac
    case "$(stand_in_definition "$image")" in
    absent | '') ;;
    *) within 600 "pulling $image" docker pull "$image" || die "$image could not be pulled" "docker pull $image" ;;
    esac
  done <"$IMAGES/list"
}

make_stand_ins() {
  local image folder arguments running=0 failed=0
  is_debian || die 'no image registry can be reached, and stand-ins can be made on Debian only' 'docker pull hello-world' 2
  [ -x "$HOLDFAST_ROOT/node_modules/node/bin/node" ] || need_npm
  make_bare_debian
  while read -r image folder arguments; do
    case "$image" in '' | '#'*) continue ;; esac
    if [ "$folder" = debian ]; then
      make_image "$image" "$folder" || failed=1
      continue
    fi
    # shellcheck disable=SC2086
    make_image "$image" "$folder" $arguments &
    running=$((running + 1))
    if [ "$running" -ge 3 ]; then
      wait -n || failed=1
      running=$((running - 1))
    fi
  done <"$IMAGES/list"
  while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
  done
  [ "$failed" = 0 ] || die 'a stand-in image could not be built' 'scripts/setup images'
}

make_bare_debian() {
  local label='holdfast.bare=1' mirror
  ! docker image inspect holdfast-bare:trixie >/dev/null 2>&1 || return 0
  need_packages 'Debian base images without a registry' mmdebstrap
  mirror=$(debian_mirror) || die 'no Debian mirror is known' 'see /etc/apt/sources.list.d/' 2
  say 'no image registry answers: making base images out of Debian packages'
  timeout 300 mmdebstrap --quiet --variant=minbase --include=ca-certificates trixie - "$mirror" |
    timeout 300 docker import --change "LABEL $label" - holdfast-bare:trixie >/dev/null ||
    die 'the Debian base image could not be made' "mmdebstrap --variant=minbase trixie /tmp/trixie.tar"
}

# make_image NAME FOLDER ARGUMENT=VALUE…: built unless an image of that name has the same definition.
make_image() {
  local image=$1 folder=$2 context definition found argument options=()
  shift 2
  for argument in "$@"; do options+=(--build-arg "$argument"); done
  definition=$(definition_of "$folder" "$@")
  found=$(stand_in_definition "$image")
  [ "$found" != "$definition" ] || return 0
  # An image without our label is somebody's real one.
  [ -n "$found" ] || return 0
  say "building $image out of packages"
  context=$(mktemp -d)
  cp -R "$IMAGES/$folder/." "$context"
  add_files "$folder" "$context"
  within 600 "building $image" docker buildx build --progress plain --label "$STAND_IN_LABEL=$definition" --tag "$image" "${options[@]}" "$context" || {
    rm -rf "$context"
    return 1
  }
  rm -rf "$context"
  # What had the name until now.
  docker image prune --force --filter "label=$STAND_IN_LABEL" >/dev/null 2>&1 || true
}

# "absent" when there is no such image; nothing when it is a real one.
stand_in_definition() {
  docker image inspect -f "{{with .Config.Labels}}{{index . \"$STAND_IN_LABEL\"}}{{end}}" "$1" 2>/dev/null || echo absent
}

definition_of() {
  local folder=$1
  shift
  {
    printf '%s\n' "$@"
    (cd "$IMAGES/$folder" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    docker image inspect -f '{{.Id}}' "$(base_of "$folder")" 2>/dev/null || true
    [ "$folder" != node ] || "$HOLDFAST_ROOT/node_modules/node/bin/node" --version
    [ "$folder" != debian ] || sha256sum /etc/ssl/certs/ca-certificates.crt
  } | sha256sum | cut -c1-16
}

base_of() { awk '$1 == "FROM" { print $2 }' "$IMAGES/$1/Dockerfile"; }

# What the Dockerfiles copy and git does not hold.
add_files() {
  case "$1" in
  debian) cp -L /etc/ssl/certs/ca-certificates.crt "$2/" ;;
  node)
    cp -L "$HOLDFAST_ROOT/node_modules/node/bin/node" "$2/node"
    (cd "$2" && within 120 'npm pack npm' npm pack --silent npm@11 && tar -xzf npm-*.tgz && rm npm-*.tgz && mv package npm)
    ;;
  restic)
    [ -x "$HOLDFAST_CACHE/tools/restic-$RESTIC_SUITE/usr/bin/restic" ] || need_tool restic
    cp "$HOLDFAST_CACHE/tools/restic-$RESTIC_SUITE/usr/bin/restic" "$2/"
    ;;
  esac
}
