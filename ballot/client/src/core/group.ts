/** The group ristretto255 (RFC 9496), as docs/spec/group.md uses it. */

import { ristretto255 } from '@noble/curves/ed25519.js';
import { CheckFailed } from './errors.ts';

export type Element = InstanceType<typeof ristretto255.Point>;

const { Point } = ristretto255;
const WINDOW = 6;

export const ZERO: Element = Point.ZERO;
export const GENERATOR: Element = Point.BASE;

/** 32 bytes as an element. Throws CheckFailed(ELEMENT), and CheckFailed(IDENTITY) unless `identity` is allowed. */
export function decode(data: Uint8Array, identity = false): Element {
  let found: Element;
  try {
    found = Point.fromBytes(data);
  } catch {
    throw new CheckFailed('ELEMENT', 'not the encoding of an element');
  }
  if (!identity && found.is0()) throw new CheckFailed('IDENTITY', 'the identity');
  return found;
}

/** rG for a secret r: the same work whatever r is. */
export const base = (r: bigint): Element => multiple(Point.BASE, r);

/** rP for a secret r: the same work whatever r is. Fast where `P` has tables. */
export function multiple(p: Element, r: bigint): Element {
  // The library refuses a factor of zero, which a random one never is.
  return r === 0n ? ZERO : p.multiply(r);
}

/** rP for public values. */
export const publicMultiple = (p: Element, r: bigint): Element => p.multiplyUnsafe(r);

/** The same element with tables that make its multiples several times faster; they cost a few multiplications. */
export const withTables = (p: Element): Element => p.precompute(WINDOW, false);

export const sum = (elements: readonly Element[]): Element => elements.reduce((a, b) => a.add(b), ZERO);
