/** ristretto255: decoding, derived generators, and sums of multiples. */

import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { mulAddUnsafe, pippenger } from '@noble/curves/abstract/curve.js';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { u64be, utf8 } from './bytes.js';
import { L, reduce } from './scalar.js';

const Point = ristretto255.Point;
export type Element = InstanceType<typeof Point>;

export const G: Element = Point.BASE;
export const IDENTITY: Element = Point.ZERO;

export const isIdentity = (element: Element): boolean => element.equals(IDENTITY);

/** The element that 32 bytes encode (RFC 9496), or null. The identity decodes; callers refuse it. */
export function decodeElement(bytes: Uint8Array): Element | null {
  if (bytes.length !== 32) return null;
  try {
    return Point.fromBytes(bytes);
  } catch {
    return null;
  }
}

/** RFC 9380 section 5.3.1 with SHA-512. */
export const expandMessage = (message: Uint8Array, tag: Uint8Array, length: number): Uint8Array =>
  expand_message_xmd(message, tag, length, sha512);

/** RFC 9496 section 4.3.4: an element from 64 bytes. */
export const mapToElement = (bytes: Uint8Array): Element => ristretto255_hasher.deriveToCurve!(bytes) as Element;

export function deriveElement(label: string, index: number): Element {
  return mapToElement(expandMessage(u64be(index), utf8(`VEMRE-1/generator/${label}`), 64));
}

let derived: Element[] = [];

/** H and H_1 .. H_count. They are kept: every shuffle needs the first of them again. */
export function generators(count: number): Element[] {
  while (derived.length <= count) derived.push(deriveElement('H', derived.length));
  return derived.slice(0, count + 1);
}

/** Few points up to this number share one chain of doublings; more go through buckets. */
const FEW = 128;

/** The sum of scalar times element. Scalars are any integers. Not constant-time: nothing here is secret. */
export function sumOfMultiples(elements: readonly Element[], scalars: readonly bigint[]): Element {
  const points: Element[] = [];
  const factors: bigint[] = [];
  elements.forEach((element, i) => {
    // A factor just below l is a small negative one, which costs far less.
    const factor = reduce(scalars[i]!);
    if (factor === 0n) return;
    const negative = factor > L / 2n;
    points.push(negative ? element.negate() : element);
    factors.push(negative ? L - factor : factor);
  });
  if (points.length === 0) return IDENTITY;
  return points.length <= FEW ? mulAddUnsafe(Point, points, factors) : pippenger(Point, points, factors);
}

export const multiple = (element: Element, scalar: bigint): Element => sumOfMultiples([element], [scalar]);
