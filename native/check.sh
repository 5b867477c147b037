#!/bin/sh
# The native arithmetic's own tests, its form and its lints. Says in a line what this machine has not, and fails where
# nothing may be left out.
set -eu
cd "$(dirname "$0")"
missing() {
  echo "NOT RUN: native/check.sh ($1)"
  [ "${VEMRE_REQUIRE_ALL:-}" != 1 ]
  exit
}
needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"$/\1/p' Cargo.toml)
found=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
[ "${found:-0}" -ge "$needed" ] || missing "no cargo 1.$needed or newer"
cargo fmt --version >/dev/null 2>&1 || missing "no rustfmt"
cargo clippy --version >/dev/null 2>&1 || missing "no clippy"
cargo fmt --check
cargo clippy --quiet --release --locked --no-default-features --all-targets -- -D warnings
cargo test --quiet --release --locked --no-default-features
