/** Blocks of 30 bytes as group elements. Source: docs/spec/choice-encoding.md.
 *
 * What a block holds is what the voter chose, so 64 counters are tried for every block, each with the same operations,
 * and the first that works is picked at the end. One works with the chance of 1/4, so one block in 10^8 needs the other
 * 64 counters.
 */

import { ed25519 } from '@noble/curves/ed25519.js';
import { concat } from './bytes.ts';
import { BLOCK_BYTES } from './choice.ts';
import { Refused } from './errors.ts';
import { decode, type Element } from './group.ts';

const COUNTERS = 128;
const AT_ONCE = 64;

const P = ed25519.Point.Fp.ORDER;
const D = ed25519.Point.CURVE().d;
/** A square root of -1. */
const I = ed25519.Point.Fp.pow(2n, (P - 1n) / 4n);

/** The element of one block. Throws Refused("block-not-encodable"), which happens to one block in 10^16. */
export function encodeBlock(block: Uint8Array): Element {
  if (block.length !== BLOCK_BYTES) throw new RangeError(`a block has ${BLOCK_BYTES} bytes`);
  let value = 0n;
  for (let place = BLOCK_BYTES - 1; place >= 0; place--) value = (value << 8n) | BigInt(block[place]!);
  let first = COUNTERS;
  for (let start = 0; start < COUNTERS && first === COUNTERS; start += AT_ONCE) {
    for (let counter = start + AT_ONCE - 1; counter >= start; counter--) {
      const works = Number(decodes((value << 8n) | BigInt(2 * counter)));
      first = works * counter + (1 - works) * first;
    }
  }
  if (first === COUNTERS) throw new Refused('block-not-encodable');
  return decode(concat(Uint8Array.of(2 * first), block, Uint8Array.of(0)));
}

/** Whether an even number below 2^248 is the encoding of an element other than the identity (RFC 9496, 4.3.1). */
function decodes(s: bigint): boolean {
  const s2 = (s * s) % P;
  const u1 = 1n - s2 + P;
  const u2 = 1n + s2;
  const u2s = (u2 * u2) % P;
  const v = P + P - ((D * ((u1 * u1) % P)) % P) - u2s;
  const w = (v * u2s) % P;
  // 1 / sqrt(w), if w is a square: r = w^3 (w^7)^((p-5)/8), up to a factor i.
  const w3 = (((w * w) % P) * w) % P;
  const w7 = (((w3 * w3) % P) * w) % P;
  let r = (w3 * pow58(w7)) % P;
  const check = (w * ((r * r) % P)) % P;
  const direct = check === 1n;
  const turned = check === P - 1n;
  r = [r, (r * I) % P][Number(turned)]!;
  const dx = (r * u2) % P;
  const dy = (((r * dx) % P) * v) % P;
  const x = (2n * s * dx) % P;
  const y = (u1 * dy) % P;
  // t is odd or even as |x| y is.
  const t = ([x, P - x][Number(x & 1n)]! * y) % P;
  return [direct || turned, (t & 1n) === 0n, y !== 0n, s !== 0n].every(Boolean);
}

/** x^((p-5)/8) = x^(2^252 - 3). */
function pow58(x: bigint): bigint {
  const two = (squared(x, 1) * x) % P;
  const four = (squared(two, 2) * two) % P;
  const five = (squared(four, 1) * x) % P;
  const ten = (squared(five, 5) * five) % P;
  const twenty = (squared(ten, 10) * ten) % P;
  const forty = (squared(twenty, 20) * twenty) % P;
  const fifty = (squared(forty, 10) * ten) % P;
  const hundred = (squared(fifty, 50) * fifty) % P;
  const twoHundred = (squared(hundred, 100) * hundred) % P;
  const most = (squared(twoHundred, 50) * fifty) % P;
  return (squared(most, 2) * x) % P;
}

function squared(x: bigint, times: number): bigint {
  let found = x;
  for (let i = 0; i < times; i++) found = (found * found) % P;
  return found;
}
