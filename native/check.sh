#!/bin/sh
# The native arithmetic's own tests, its form and its lints. Says so in a line where there is no cargo.
set -eu
cd "$(dirname "$0")"
command -v cargo >/dev/null || { echo "NOT RUN: native/check.sh (no cargo)"; exit 0; }
cargo fmt --check
cargo clippy --quiet --release --locked --no-default-features --all-targets -- -D warnings
cargo test --quiet --release --locked --no-default-features
