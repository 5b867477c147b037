/** What a voter compares by eye: trackers of ballots in the log, fingerprints of those that are not cast yet. */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from './bytes.ts';
import * as crockford from './crockford.ts';

const SHOWN_BYTES = 20;
const SHOWN_SYMBOLS = 32;

/** The short form of a leaf hash or fingerprint: its first 20 bytes, in eight groups of four symbols. */
export function shown(digest: Uint8Array): string {
  return crockford.grouped(crockford.encodeBits(digest.subarray(0, SHOWN_BYTES), SHOWN_SYMBOLS));
}

/** The 20 bytes of a short form that a person typed, or null for a typing error. */
export function parseShown(text: string): Uint8Array | null {
  const symbols = crockford.normalise(text);
  const found = symbols.length === SHOWN_SYMBOLS ? crockford.values(symbols) : null;
  return found && crockford.toBytes(found, SHOWN_BYTES);
}

/** SHA-256("VEMRE-1/ballot" || canonical bytes of a ballot's body). */
export function fingerprintOf(canonicalBody: Uint8Array): Uint8Array {
  return sha256(concat(utf8('VEMRE-1/ballot'), canonicalBody));
}
