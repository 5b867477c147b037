//! Ed25519 verification by the one rule of the protocol (section 3), over many signatures at once: A and R canonical
//! and not of small order, S < l, and the encoding of SB - hA equal to R's bytes. Each signature is checked by itself:
//! a sum of cofactorless equations would let errors of small order cancel. Public data only.

use crate::parallel;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use rayon::prelude::*;
use sha2::{Digest, Sha512};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The encodings with y < p of the points of small order and of the two negative zeros.
const REFUSED: [[u8; 32]; 10] = [
    encoding(0x01, 0x00, 0x00),
    encoding(0x01, 0x00, 0x80),
    encoding(0xec, 0xff, 0x7f),
    encoding(0xec, 0xff, 0xff),
    encoding(0x00, 0x00, 0x00),
    encoding(0x00, 0x00, 0x80),
    ORDER_EIGHT[0],
    ORDER_EIGHT[1],
    ORDER_EIGHT[2],
    ORDER_EIGHT[3],
];

const ORDER_EIGHT: [[u8; 32]; 4] = {
    let first = *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05";
    let second = *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a";
    [first, negative(first), second, negative(second)]
};

const fn encoding(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

const fn negative(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] |= 0x80;
    bytes
}

/// Whether y < p, and the point is none of those that are refused.
fn allowed(point: &[u8; 32]) -> bool {
    let top = point[31] & 0x7f;
    let canonical = top != 0x7f || point[1..31].iter().any(|&byte| byte != 0xff) || point[0] < 0xed;
    canonical && !REFUSED.contains(point)
}

/// SB - hA, or None where the signature fails before the equation is asked. Of `known`, every key is allowed.
fn expected(
    known: &HashMap<[u8; 32], EdwardsPoint>,
    public: &[u8; 32],
    message: [&[u8]; 3],
    signature: &[u8; 64],
) -> Option<EdwardsPoint> {
    let (r, s) = (signature.first_chunk::<32>()?, signature.last_chunk::<32>()?);
    if !allowed(r) {
        return None;
    }
    let a = match known.get(public) {
        Some(point) => *point,
        None if allowed(public) => CompressedEdwardsY(*public).decompress()?,
        None => return None,
    };
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
    let hash = Sha512::new().chain_update(r).chain_update(public);
    let digest = message.into_iter().fold(hash, |hash, part| hash.chain_update(part)).finalize();
    let h = Scalar::from_bytes_mod_order_wide(&digest.into());
    Some(EdwardsPoint::vartime_double_scalar_mul_basepoint(&h, &-a, &s))
}

/// What the signature of a record covers, in three parts: a domain, and the entry without the signature's own member.
/// None where it has none. Nothing after the member can contain its name: texts are escaped, and what follows are three
/// texts and numbers.
fn signed_parts(entry: &[u8]) -> Option<[&[u8]; 3]> {
    let start = entry.windows(MEMBER.len()).rposition(|found| found == MEMBER)?;
    Some([DOMAIN, &entry[..start], entry.get(start + MEMBER.len() + 128 + 2..)?])
}

const DOMAIN: &[u8] = b"VEMRE-1/record\n";
const MEMBER: &[u8] = b"\"signature\":\"";

fn whole(message: &[u8]) -> Option<[&[u8]; 3]> {
    Some([message, b"", b""])
}

/// The first place of a piece whose signature does not verify; `parts` says what it covers.
fn first_bad(
    known: &HashMap<[u8; 32], EdwardsPoint>,
    publics: &[[u8; 32]],
    messages: &[impl AsRef<[u8]>],
    parts: fn(&[u8]) -> Option<[&[u8]; 3]>,
    signatures: &[[u8; 64]],
) -> Option<usize> {
    let mut points = Vec::with_capacity(publics.len());
    for ((public, message), signature) in publics.iter().zip(messages).zip(signatures) {
        match parts(message.as_ref()).and_then(|parts| expected(known, public, parts, signature)) {
            Some(point) => points.push(point),
            None => break,
        }
    }
    let found = EdwardsPoint::compress_batch_alloc(&points);
    let wrong = found.iter().zip(signatures).position(|(point, signature)| point.as_bytes() != &signature[..32]);
    wrong.or((points.len() < publics.len()).then_some(points.len()))
}

/// The index of the first signature that does not verify, or None. Keys of 32 and signatures of 64 bytes, flat. With
/// `records`, the messages are whole entries.
#[pyfunction]
#[pyo3(signature = (publics, messages, signatures, known=None, records=false))]
fn vartime_verify_signatures(
    py: Python<'_>,
    publics: &[u8],
    messages: Vec<PyBackedBytes>,
    signatures: &[u8],
    known: Option<PyRef<'_, PublicKeys>>,
    records: bool,
) -> PyResult<Option<usize>> {
    let (publics, signatures) = (publics.as_chunks::<32>().0, signatures.as_chunks::<64>().0);
    if publics.len() != messages.len() || signatures.len() != messages.len() {
        return Err(PyValueError::new_err("not one key and one signature for each message"));
    }
    let known = known.as_deref();
    let parts = if records { signed_parts } else { whole };
    Ok(py.detach(|| {
        let none = HashMap::new();
        let known = known.map(PublicKeys::known);
        let known = known.as_deref().unwrap_or(&none);
        let size = parallel::piece(messages.len());
        publics
            .par_chunks(size)
            .zip(messages.par_chunks(size))
            .zip(signatures.par_chunks(size))
            .enumerate()
            .map(|(number, ((p, m), s))| first_bad(known, p, m, parts, s).map(|index| number * size + index))
            .find_first(Option::is_some)
            .flatten()
    }))
}

/// Keys as decoded points, of which each is decoded once. More than `MOST_KEYS` are not kept.
#[pyclass(frozen, module = "vemre_native")]
struct PublicKeys {
    points: RwLock<HashMap<[u8; 32], EdwardsPoint>>,
}

/// About 200 bytes each.
const MOST_KEYS: usize = 1 << 19;

impl PublicKeys {
    fn known(&self) -> RwLockReadGuard<'_, HashMap<[u8; 32], EdwardsPoint>> {
        // A writer that panicked has added whole entries or none.
        self.points.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PublicKeys {
    #[new]
    fn new() -> Self {
        PublicKeys { points: RwLock::default() }
    }

    /// Takes more keys up. The index of the first that is not canonical, of small order or not on the curve, or None.
    fn vartime_refused(&self, py: Python<'_>, publics: &[u8]) -> Option<usize> {
        py.detach(|| {
            let publics = publics.as_chunks::<32>().0;
            let decoded = parallel::map(publics, |key| {
                Some(CompressedEdwardsY(*key)).filter(|_| allowed(key)).and_then(|key| key.decompress())
            });
            let mut points = self.points.write().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_KEYS.saturating_sub(points.len());
            points.extend(publics.iter().zip(&decoded).filter_map(|(key, point)| Some((*key, (*point)?))).take(room));
            decoded.iter().position(Option::is_none)
        })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(vartime_verify_signatures, module)?)?;
    module.add_class::<PublicKeys>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    /// A signature with a nonce of the test's choice, the error added to R.
    fn signed(secret: u64, message: &[u8], error: EdwardsPoint) -> ([u8; 32], [u8; 64]) {
        let secret = Scalar::from(secret) * Scalar::from(u64::MAX);
        let nonce = secret * secret;
        let public = EdwardsPoint::mul_base(&secret).compress().to_bytes();
        let r = (EdwardsPoint::mul_base(&nonce) + error).compress().to_bytes();
        let digest = Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize();
        let s = nonce + Scalar::from_bytes_mod_order_wide(&digest.into()) * secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(s.as_bytes());
        (public, signature)
    }

    #[test]
    fn the_first_bad_one_is_named_and_the_equation_has_no_cofactor() {
        let messages: Vec<Vec<u8>> = (0..40u8).map(|i| vec![i; usize::from(i)]).collect();
        let made = |bad: &[usize]| -> (Vec<[u8; 32]>, Vec<[u8; 64]>) {
            let error = |i| if bad.contains(&i) { EIGHT_TORSION[1] } else { EIGHT_TORSION[0] };
            messages.iter().enumerate().map(|(i, m)| signed(i as u64 + 5, m, error(i))).unzip()
        };
        let (publics, signatures) = made(&[]);
        assert_eq!(first_bad(&HashMap::new(), &publics, &messages, whole, &signatures), None);
        let (publics, signatures) = made(&[7, 30]);
        assert_eq!(first_bad(&HashMap::new(), &publics, &messages, whole, &signatures), Some(7));
        let (mut publics, signatures) = made(&[]);
        publics[3] = REFUSED[0];
        assert_eq!(first_bad(&HashMap::new(), &publics, &messages, whole, &signatures), Some(3));
    }

    #[test]
    fn small_orders_and_other_spellings_are_refused() {
        for point in EIGHT_TORSION {
            assert!(!allowed(&point.compress().to_bytes()));
        }
        for first in 0xed..=0xff {
            assert!(!allowed(&encoding(first, 0xff, 0x7f)));
            assert!(!allowed(&encoding(first, 0xff, 0xff)));
        }
        assert!(allowed(&EdwardsPoint::mul_base(&Scalar::from(5u64)).compress().to_bytes()));
    }
}
