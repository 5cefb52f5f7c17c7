# shellcheck shell=bash
# need_npm: node_modules as package-lock.json says, and with it Node 24 (the npm package "node"), first on PATH.
# Needs say.sh and packages.sh.

need_npm() {
  local modules=$HOLDFAST_ROOT/node_modules with_recent_node=()
  have npm || need_packages 'npm, which brings Node 24 and the libraries' nodejs npm
  if [ ! -e "$modules/.package-lock.json" ] || [ "$HOLDFAST_ROOT/package-lock.json" -nt "$modules/.package-lock.json" ]; then
    say 'installing the npm packages, Node 24 among them (npm ci)'
    node_is_recent || with_recent_node=(npm exec --yes --package=node@24 --package=npm@11 --)
    within 600 'npm ci' "${with_recent_node[@]}" npm --prefix "$HOLDFAST_ROOT" ci --no-audit --no-fund --loglevel=error ||
      die 'the npm packages could not be installed' "cd $HOLDFAST_ROOT && npm ci"
    touch "$modules/.package-lock.json"
  fi
  use_node
}

# npm leaves out, without a word, the binaries of packages that its own Node is too old for, as Debian 12's is for vitest's.
node_is_recent() {
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b > 11) || (a == 20 && b > 18) ? 0 : 1)'
}

use_node() {
  local bin=$HOLDFAST_ROOT/node_modules/.bin version
  version=$("$bin/node" --version 2>/dev/null) || version=none
  case "$version" in
  v24.*) ;;
  *) die "node_modules/.bin/node is $version and not v24" "cd $HOLDFAST_ROOT && rm -rf node_modules && npm ci" ;;
  esac
  case ":$PATH:" in *":$bin:"*) ;; *) export PATH=$bin:$PATH ;; esac
}
