#!/usr/bin/env bash
# Brings a fresh Debian or Ubuntu machine from nothing to a built calibr8: compiler, CMake and oneDNN where they are missing,
# the npm packages, the native addon, the TypeScript. May be run again at any time; does only what is still to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v node >/dev/null || fail 'Node.js 20.17 or later is needed and not there. Install it (Debian and Ubuntu: apt-get install nodejs npm, or your usual way) and run this again.'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)' ||
  fail "Node.js 20.17 or later is needed; this is $(node --version)."
command -v npm >/dev/null || fail 'npm is needed and not there. It comes with Node.js, or as the package npm.'

missing=()
command -v g++ >/dev/null || command -v clang++ >/dev/null || missing+=(g++)
command -v cmake >/dev/null || missing+=(cmake)
command -v make >/dev/null || command -v ninja >/dev/null || missing+=(make)
has_onednn() {
  local folder
  for folder in ${CMAKE_PREFIX_PATH//[:;]/ } /usr /usr/local; do
    compgen -G "$folder/lib*/cmake/dnnl/dnnl-config.cmake" >/dev/null && return 0
    compgen -G "$folder/lib/*/cmake/dnnl/dnnl-config.cmake" >/dev/null && return 0
  done
  return 1
}
CMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH:-}
has_onednn || missing+=(libdnnl-dev)

if ((${#missing[@]})); then
  say "Installing ${missing[*]}"
  command -v apt-get >/dev/null ||
    fail "this is not Debian or Ubuntu. Install a C++17 compiler, CMake 3.18 or later, make and oneDNN 2.6 or later with its CMake files (package onednn, oneapi-dnn or dnnl), then run this again. Missing here: ${missing[*]}."
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "as root, run: apt-get install ${missing[*]}   then run this again."
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}. On a release without libdnnl-dev, build oneDNN and set CMAKE_PREFIX_PATH to where it is installed."
fi

export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}

say 'Installing the npm packages and building the native addon (some minutes)'
# The lock file's own checksum tells whether node_modules is up to date. onnxruntime-node, a peer that tests compare with, ships
# its CPU binary; its install step would look for GPU binaries elsewhere.
stamp=node_modules/.calibr8-lock
if [[ ! -f $stamp ]] || ! cmp -s package-lock.json "$stamp"; then
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

say 'Building what changed of the native addon'
npm run --silent build:native

say 'Building the TypeScript'
npm run --silent build:ts

say 'Ready'
node dist/lib/cli/main.js doctor
