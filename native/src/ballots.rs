//! Ballots in bulk: the strict reading of their records, and the challenges of their proofs.
//!
//! `read_ballots` knows one spelling alone, the canonical one of a well-formed ballot whose texts need no escape, and
//! leaves everything else to the reader for all records; so it can be stricter than that one, and never laxer.

use crate::hashing;
use crate::parallel;
use crate::scalars::Scalars;
use curve25519_dalek::scalar::Scalar;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString, PyTuple};
use rayon::prelude::*;
use sha2::{Digest, Sha512};
use std::collections::HashMap;

/// The longest entry of a log.
const MOST_BYTES: usize = 65_535;

/// The parts of a ballot's record.
struct Ballot<'a> {
    leaf: [u8; 32],
    log: &'a [u8],
    signer: &'a [u8],
    credential: [u8; 32],
    signature: [u8; 64],
    context: [u8; 32],
    urn: &'a [u8],
    /// Each contest with its number of ciphertexts, which is also that of its proofs.
    shape: Vec<(&'a [u8], usize)>,
    /// a and b of all ciphertexts.
    points: Vec<[u8; 32]>,
    commitments: Vec<[u8; 32]>,
    responses: Vec<[u8; 32]>,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Lower-case hex of exactly N bytes.
    fn hex<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (digits, rest) = self.rest.split_at_checked(2 * N)?;
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        self.rest = rest;
        Some(bytes)
    }

    /// The inside of a string of printable ASCII without escapes, and the quotation mark at its end.
    fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| !(b' '..=b'~').contains(&byte) || matches!(byte, b'"' | b'\\'))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// Pairs of 32 bytes, each pair an object with these two keys, to the end of their list. Gives how many: one or more.
    fn pairs(&mut self, keys: [&[u8]; 2], mut found: impl FnMut([u8; 32], [u8; 32])) -> Option<usize> {
        let mut count = 0;
        loop {
            self.expect(keys[0])?;
            let first = self.hex()?;
            self.expect(keys[1])?;
            found(first, self.hex()?);
            self.expect(b"\"}")?;
            count += 1;
            if !self.next_is(b',') {
                self.expect(b"]")?;
                return Some(count);
            }
        }
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

fn read(entry: &[u8]) -> Option<Ballot<'_>> {
    if entry.len() > MOST_BYTES {
        return None;
    }
    let mut reader = Reader { rest: entry };
    let (mut shape, mut points, mut commitments, mut responses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    reader.expect(b"{\"body\":{\"contests\":[")?;
    loop {
        reader.expect(b"{\"ciphertexts\":[")?;
        let ciphertexts = reader.pairs([b"{\"a\":\"", b"\",\"b\":\""], |a, b| points.extend([a, b]))?;
        reader.expect(b",\"contest\":\"")?;
        let contest = reader.text()?;
        reader.expect(b",\"pok\":[")?;
        let found = reader.pairs([b"{\"commitment\":\"", b"\",\"response\":\""], |commitment, response| {
            commitments.push(commitment);
            responses.push(response);
        })?;
        reader.expect(b"}")?;
        if found != ciphertexts {
            return None;
        }
        shape.push((contest, found));
        if !reader.next_is(b',') {
            break;
        }
    }
    reader.expect(b"],\"context\":\"")?;
    let context = reader.hex()?;
    reader.expect(b"\",\"urn\":\"")?;
    let urn = reader.text()?;
    reader.expect(b"},\"log\":\"")?;
    let log = reader.text()?;
    reader.expect(b",\"signature\":\"")?;
    let signature = reader.hex()?;
    reader.expect(b"\",\"signer\":\"")?;
    let signer = &reader.rest[..reader.rest.len().min(64)];
    let credential = reader.hex()?;
    reader.expect(b"\",\"type\":\"ballot\",\"version\":1}")?;
    if !reader.rest.is_empty() {
        return None;
    }
    let leaf = hashing::leaf(entry);
    Some(Ballot { leaf, log, signer, credential, signature, context, urn, shape, points, commitments, responses })
}

/// Texts and tuples that many ballots share, made once.
#[derive(Default)]
struct Shared<'a, 'py> {
    texts: HashMap<&'a [u8], Bound<'py, PyString>>,
    contexts: HashMap<[u8; 32], Bound<'py, PyBytes>>,
    shapes: HashMap<Vec<(&'a [u8], usize)>, Bound<'py, PyTuple>>,
}

impl<'a, 'py> Shared<'a, 'py> {
    fn text(&mut self, py: Python<'py>, text: &'a [u8]) -> Bound<'py, PyString> {
        self.texts.entry(text).or_insert_with(|| ascii(py, text)).clone()
    }

    fn context(&mut self, py: Python<'py>, context: [u8; 32]) -> Bound<'py, PyBytes> {
        self.contexts.entry(context).or_insert_with(|| PyBytes::new(py, &context)).clone()
    }

    fn shape(&mut self, py: Python<'py>, shape: Vec<(&'a [u8], usize)>) -> PyResult<Bound<'py, PyTuple>> {
        if let Some(known) = self.shapes.get(&shape) {
            return Ok(known.clone());
        }
        let items = shape.iter().map(|(contest, count)| (ascii(py, contest), *count, *count));
        let made = PyTuple::new(py, items.collect::<Vec<_>>())?;
        self.shapes.insert(shape, made.clone());
        Ok(made)
    }
}

fn ascii<'py>(py: Python<'py>, text: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, str::from_utf8(text).expect("printable ASCII"))
}

/// For each entry, the parts of a ballot, or None for what is to be read in the general way.
///
/// (leaf hash, log, signer, signature, (context, urn, shape, credential, points, commitments, responses)), where the
/// shape is a tuple of (contest, ciphertexts, proofs), and points are a and b of all blocks.
#[pyfunction]
fn read_ballots<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>) -> PyResult<Vec<Option<Bound<'py, PyTuple>>>> {
    let least = parallel::piece(entries.len());
    let found: Vec<Option<Ballot<'_>>> =
        py.detach(|| entries.par_iter().with_min_len(least).map(|entry| read(entry)).collect());
    let mut shared = Shared::default();
    found
        .into_iter()
        .map(|ballot| {
            let Some(ballot) = ballot else { return Ok(None) };
            let cast = (
                shared.context(py, ballot.context),
                shared.text(py, ballot.urn),
                shared.shape(py, ballot.shape)?,
                PyBytes::new(py, &ballot.credential),
                PyBytes::new(py, ballot.points.as_flattened()),
                PyBytes::new(py, ballot.commitments.as_flattened()),
                PyBytes::new(py, ballot.responses.as_flattened()),
            );
            let record = (
                PyBytes::new(py, &ballot.leaf),
                shared.text(py, ballot.log),
                ascii(py, ballot.signer),
                PyBytes::new(py, &ballot.signature),
                cast,
            );
            record.into_pyobject(py).map(Some)
        })
        .collect()
}

/// One item of a transcript.
fn item(state: &mut Sha512, label: &[u8], value: &[u8]) {
    state.update(u32::try_from(label.len()).expect("a short label").to_be_bytes());
    state.update(label);
    state.update((value.len() as u64).to_be_bytes());
    state.update(value);
}

/// Credential, points and commitments of one ballot.
type Row<'a> = ((&'a [u8; 32], &'a [[u8; 32]]), &'a [[u8; 32]]);

/// The challenges "ballot-pok" of ballots of one shape (protocol, section 7 and appendix C), ballot by ballot, block by
/// block. `head` is what the transcripts begin with, up to the urn; `contests` are (id, blocks); credentials, points (a
/// and b of all blocks) and commitments are flat.
#[pyfunction]
fn ballot_challenges(
    py: Python<'_>,
    head: &[u8],
    joint_key: &[u8],
    contests: Vec<(String, usize)>,
    credentials: &[u8],
    points: &[u8],
    commitments: &[u8],
) -> PyResult<Scalars> {
    let width: usize = contests.iter().map(|(_, blocks)| blocks).sum();
    let credentials = credentials.as_chunks::<32>().0;
    let (points, commitments) = (points.as_chunks::<32>().0, commitments.as_chunks::<32>().0);
    let blocks = width * credentials.len();
    if width == 0 || points.len() != 2 * blocks || commitments.len() != blocks {
        return Err(PyValueError::new_err("not one ciphertext and one proof for each block of each ballot"));
    }
    let start = Sha512::new_with_prefix(head);
    let challenges = |((credential, points), commitments): Row<'_>| {
        let mut state = start.clone();
        item(&mut state, b"credential", credential);
        item(&mut state, b"Y", joint_key);
        item(&mut state, b"ciphertexts/count", &(points.len() as u64).to_be_bytes());
        points.iter().for_each(|point| item(&mut state, b"ciphertexts", point));
        let blocks = contests.iter().flat_map(|(contest, blocks)| (0..*blocks).map(move |block| (contest, block)));
        let each = blocks.zip(commitments).map(|((contest, block), commitment)| {
            let mut state = state.clone();
            item(&mut state, b"contest", contest.as_bytes());
            item(&mut state, b"block", &(block as u64).to_be_bytes());
            item(&mut state, b"T", commitment);
            item(&mut state, b"challenge", b"c");
            Scalar::from_bytes_mod_order_wide(&state.finalize().into())
        });
        each.collect::<Vec<Scalar>>()
    };
    Ok(py.detach(|| {
        let rows = credentials.par_iter().zip(points.par_chunks(2 * width)).zip(commitments.par_chunks(width));
        Scalars::new(rows.with_min_len(32).map(challenges).flatten_iter().collect())
    }))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_ballots, module)?)?;
    module.add_function(wrap_pyfunction!(ballot_challenges, module)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(contest: &str, poks: usize) -> Vec<u8> {
        let hex = "0a".repeat(32);
        let pok = vec![format!("{{\"commitment\":\"{hex}\",\"response\":\"{hex}\"}}"); poks].join(",");
        format!(
            "{{\"body\":{{\"contests\":[{{\"ciphertexts\":[{{\"a\":\"{hex}\",\"b\":\"{hex}\"}}],\"contest\":\"{contest}\",\
             \"pok\":[{pok}]}}],\"context\":\"{hex}\",\"urn\":\"u\"}},\"log\":\"l\",\"signature\":\"{hex}{hex}\",\
             \"signer\":\"{hex}\",\"type\":\"ballot\",\"version\":1}}"
        )
        .into_bytes()
    }

    #[test]
    fn one_spelling_is_read_and_every_cut_or_changed_one_left() {
        let good = entry("c", 1);
        let ballot = read(&good).expect("a ballot");
        assert_eq!((ballot.shape, ballot.points.len(), ballot.urn), (vec![(&b"c"[..], 1)], 2, &b"u"[..]));
        assert_eq!((ballot.credential, ballot.log), ([10; 32], &b"l"[..]));
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_none());
            let mut changed = good.clone();
            changed[length] = if changed[length] == b'A' { b'B' } else { b'"' };
            assert!(read(&changed).is_none() || changed == good, "at {length}");
        }
        for other in [entry("\\u0063", 1), entry("ñ", 1), entry("c", 0), entry("c", 2), [&good[..], b" "].concat()] {
            assert!(read(&other).is_none());
        }
    }
}
