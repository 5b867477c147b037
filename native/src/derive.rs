//! Uniform bytes for the derived generators: expand_message_xmd of RFC 9380, section 5.3.1, with SHA-512, for one
//! block of output.

use sha2::{Digest, Sha512};

const BLOCK: [u8; 128] = [0; 128];

/// The 64 bytes of u64be(number) under a domain separation tag of at most 255 bytes.
pub fn uniform_bytes(tag: &[u8], number: u64) -> [u8; 64] {
    let length = u8::try_from(tag.len()).expect("a tag of at most 255 bytes");
    let first = Sha512::new()
        .chain_update(BLOCK)
        .chain_update(number.to_be_bytes())
        .chain_update(64u16.to_be_bytes())
        .chain_update([0])
        .chain_update(tag)
        .chain_update([length])
        .finalize();
    Sha512::new().chain_update(first).chain_update([1]).chain_update(tag).chain_update([length]).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tags_both_matter() {
        let known = uniform_bytes(b"tag", 1);
        assert_eq!(known, uniform_bytes(b"tag", 1));
        assert_ne!(known, uniform_bytes(b"tag", 2));
        assert_ne!(known, uniform_bytes(b"gat", 1));
    }
}
