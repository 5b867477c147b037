/**
 * Ed25519 by the host's own library, which is many times faster than arithmetic in JavaScript. Libraries differ in the
 * edge cases, so one is used only if it decides them as the specification does; encodings and small order are judged
 * here, before it is asked.
 */

import { type Verify, verifySignature } from '../core/ed25519.js';
import { fromHex, toHex, utf8 } from '../core/bytes.js';

/** The encodings with a canonical y of points of small order, or of x = 0 with the sign bit (docs/spec/records.md). */
const EXCLUDED = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000', '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000', '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]);

/** Rules 1 and 2, but for whether the point is on the curve: of a key the library finds that out, of R the equation. */
function mayBeUsable(point: Uint8Array): boolean {
  const reduced = point[0]! < 0xed || (point[31]! & 0x7f) !== 0x7f || point.subarray(1, 31).some((byte) => byte !== 0xff);
  return reduced && !EXCLUDED.has(toHex(point));
}

const MESSAGE = utf8('VeMRE');
const PLAIN = '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8';
/** A key with a part of order eight. */
const MIXED = 'd5ef64df63da3bb3d38a00537014257b40d069b39e6c71bf5a2a9d8efbdc22d9';

/** Signatures of `MESSAGE` about which libraries disagree. */
const EDGES: readonly (readonly [valid: boolean, key: string, signature: string])[] = [
  [true, PLAIN, '9637dbc3f2b14e3b1350d11a7931c3eb7d4cb21cbec920f6bd74d31a414baf117e0315a5d8062e020582b7a3e3865680772e119a9b99f53c7ff7c385b69fe70a'],
  // S is not reduced.
  [false, PLAIN, '9637dbc3f2b14e3b1350d11a7931c3eb7d4cb21cbec920f6bd74d31a414baf116bd70a02f369405adb1eaf46c2803595772e119a9b99f53c7ff7c385b69fe71a'],
  // Another message was signed.
  [false, PLAIN, '9637dbc3f2b14e3b1350d11a7931c3eb7d4cb21cbec920f6bd74d31a414baf117e0315a5d8062e020582b7a3e3865680772e119a9b99f53c7ff7c385b69fe709'],
  [true, MIXED, 'b4b937fca95b2f1e93e41e62fc3c78818ff38a66096fad6e7973e5c90006d32182d7a1945ef2b33a621f7dc90fb7cb82763ff09d2092137d850c49ac06af060a'],
  // The equation holds with the cofactor alone.
  [false, MIXED, '5866666666666666666666666666666666666666666666666666666666666666d433cf87a80da574460309bcb0357e1da17f8fbe92a86b08a5be8fd16816b208'],
];

/** A strict verification upon a library's, or the core's own where the library is missing or decides an edge otherwise. */
export async function trustworthy(library: Verify | null): Promise<Verify> {
  if (library === null) return verifySignature;
  const strict: Verify = (key, message, signature) =>
    key.length === 32 && signature.length === 64 && mayBeUsable(key) && mayBeUsable(signature.subarray(0, 32)) &&
    library(key, message, signature);
  try {
    for (const [valid, key, signature] of EDGES) {
      if ((await strict(fromHex(key), MESSAGE, fromHex(signature))) !== valid) return verifySignature;
    }
  } catch {
    return verifySignature;
  }
  return strict;
}

/** A browser's library; there is none on pages that came by plain HTTP. */
export function webCrypto(): Verify | null {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return null;
  return async (key, message, signature) => {
    try {
      const imported = await subtle.importKey('raw', key as BufferSource, 'Ed25519', false, ['verify']);
      return await subtle.verify('Ed25519', imported, signature as BufferSource, message as BufferSource);
    } catch (error) {
      // Some libraries refuse a key that is not on the curve at once; others find no valid signature under it.
      if (error instanceof DOMException && error.name === 'DataError') return false;
      throw error;
    }
  };
}
