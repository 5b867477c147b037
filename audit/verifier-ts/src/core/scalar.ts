/** Scalars: integers modulo the group order l, least significant byte first. */

import { sha512 } from '@noble/hashes/sha2.js';
import { concat, u64be } from './bytes.js';

export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The integer of bytes, least significant first. */
export function littleEndian(bytes: Uint8Array): bigint {
  let text = '0x0';
  for (let i = bytes.length - 1; i >= 0; i -= 1) text += bytes[i]!.toString(16).padStart(2, '0');
  return BigInt(text);
}

/** The scalar that 32 bytes encode, or null where the value is not below l. */
export function scalarOfBytes(bytes: Uint8Array): bigint | null {
  const value = littleEndian(bytes);
  return bytes.length === 32 && value < L ? value : null;
}

export const scalarOfDigest = (digest: Uint8Array): bigint => littleEndian(digest) % L;

/** a modulo l, from 0 to l - 1. */
export const reduce = (a: bigint): bigint => ((a % L) + L) % L;

/** The inverse of a nonzero scalar. */
export function invert(a: bigint): bigint {
  let [r0, r1, t0, t1] = [L, reduce(a), 0n, 1n];
  if (r1 === 0n) throw new RangeError('zero has no inverse');
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1] = [r1, r0 - q * r1];
    [t0, t1] = [t1, t0 - q * t1];
  }
  return reduce(t0);
}

/** "Scalars from the seed s": SHA-512(s || u64be(i)) mod l for i = 1 .. count. */
export function scalarsFromSeed(seed: Uint8Array, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => scalarOfDigest(sha512(concat(seed, u64be(i + 1)))));
}
