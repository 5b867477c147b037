//! The native back end of `vemre.group`: ristretto255 on whole vectors, over curve25519-dalek.
//!
//! Two opaque vectors cross into Python, `Scalars` and `Elements`; nothing is decoded twice, the interpreter's lock
//! is released during work, and all cores take part. Whatever is not named `vartime_` and does not decode is
//! constant-time in the values (never in the lengths) of its arguments.

#![deny(unsafe_code)]

mod ballots;
mod derive;
mod elements;
mod hashing;
mod multiply;
mod parallel;
mod scalars;
mod signatures;

use pyo3::prelude::*;

/// The module as Python sees it.
#[pymodule]
fn vemre_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<scalars::Scalars>()?;
    module.add_class::<elements::Elements>()?;
    scalars::register(module)?;
    elements::register(module)?;
    multiply::register(module)?;
    hashing::register(module)?;
    signatures::register(module)?;
    ballots::register(module)
}
