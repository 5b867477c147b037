/** Ed25519 exactly as docs/spec/records.md has it: strict encodings, no small order, no cofactor.
 *
 * The library's own verification multiplies by the cofactor, so the equation is checked here.
 */

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equal, hex } from './bytes.ts';
import { scalarOf, wide } from './scalars.ts';

const { Point } = ed25519;

/** The encodings with y below the prime of the eight points of small order, and the two negative zeros. */
const REFUSED = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]);

/** Whether `signature` of `message` is valid under `key`. */
export function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const point = decode(key);
  const r = signature.subarray(0, 32);
  const s = signature.length === 64 ? scalarOf(signature.subarray(32)) : null;
  // Whether R is a point at all follows from the comparison below.
  if (point === null || s === null || REFUSED.has(hex(r))) return false;
  const h = wide(sha512(concat(r, key, message)));
  return equal(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(h)).toBytes(), r);
}

/** Whether something may be signed under this key [ROLL-KEYS]. */
export function isPublicKey(key: Uint8Array): boolean {
  return decode(key) !== null;
}

export const publicKey = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed);
export const sign = (seed: Uint8Array, message: Uint8Array): Uint8Array => ed25519.sign(message, seed);

function decode(key: Uint8Array): InstanceType<typeof Point> | null {
  if (key.length !== 32 || REFUSED.has(hex(key))) return null;
  try {
    return Point.fromBytes(key, false);
  } catch {
    return null;
  }
}
