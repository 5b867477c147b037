#!/bin/sh
# Builds the native arithmetic into the environment whose programs stand in $1, unless it is built from these very
# sources already. Where it cannot, it says so in one line and the reference arithmetic serves; where nothing may be left
# out, that is a failure.
set -u
cd "$(dirname "$0")/.."
bin=$(realpath "$1")
stamp=.venv/native
sources=$(cat native/Cargo.toml native/Cargo.lock native/.cargo/config.toml native/pyproject.toml native/src/*.rs | cksum)
if [ "$(cat $stamp 2>/dev/null)" = "$sources" ] && "$bin/python" -c 'import vemre_native' 2>/dev/null; then
  exit 0
fi
slow="the reference arithmetic is used, which is some hundred times slower"
needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"$/\1/p' native/Cargo.toml)
found=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
if [ -z "$found" ] || [ "$found" -lt "$needed" ]; then
  echo "No cargo 1.$needed or newer: $slow."
  [ "${VEMRE_REQUIRE_ALL:-}" != 1 ]
  exit
fi
echo "Building the native arithmetic (once) ..."
log=.venv/native.log
# From its own folder, where cargo finds its settings.
if (cd native && "$bin/maturin" build --quiet --release --locked --interpreter "$bin/python" --compatibility linux \
    --out ../.venv/wheels) >"$log" 2>&1 \
  && "$bin/uv" pip install --quiet --python "$bin/python" --reinstall --no-deps --find-links .venv/wheels --no-index \
    vemre-native >>"$log" 2>&1; then
  echo "$sources" > $stamp
else
  rm -f $stamp
  echo "The native arithmetic could not be built ($log says why): $slow."
  [ "${VEMRE_REQUIRE_ALL:-}" != 1 ]
fi
