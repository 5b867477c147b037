/**
 * Ed25519 as the specification fixes it: canonical encodings, no points of small order, S below l, and the equation
 * without cofactor, decided by comparing encodings.
 */

import { ed25519 } from '@noble/curves/ed25519.js';
import { mulAddUnsafe } from '@noble/curves/abstract/curve.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equal } from './bytes.js';
import { L, scalarOfDigest, scalarOfBytes } from './scalar.js';

const Point = ed25519.Point;
type EdwardsPoint = ReturnType<typeof Point.fromBytes>;

/** Rules 1 and 2: a canonical encoding of a point that is not of small order. Null for anything else. */
function usablePoint(bytes: Uint8Array): EdwardsPoint | null {
  if (bytes.length !== 32) return null;
  try {
    const point = Point.fromBytes(bytes, false);
    return point.isSmallOrder() || !equal(point.toBytes(), bytes) ? null : point;
  } catch {
    return null;
  }
}

/** Whether a signature (64 bytes) is valid for a message under a key by rules 1 to 4; hosts have faster ones than this module's. */
export type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

export const isUsableKey = (key: Uint8Array): boolean => usablePoint(key) !== null;

/** Whether `signature` (64 bytes) is valid for `message` under `key` by rules 1 to 4. */
export function verifySignature(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = scalarOfBytes(signature.subarray(32));
  const a = usablePoint(key);
  if (s === null || a === null || usablePoint(r) === null) return false;
  const h = scalarOfDigest(sha512(concat(r, key, message)));
  const found = mulAddUnsafe(Point, [Point.BASE, a.negate()], [s, h % L]);
  return equal(found.toBytes(), r);
}
