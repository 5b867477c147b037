/** Integers modulo l, the order of the group. Source: docs/spec/group.md. */

import { ristretto255 } from '@noble/curves/ed25519.js';
import { wipe, type Random } from './bytes.ts';

const ORDER = ristretto255.Point.Fn.ORDER;
const WIDE_BYTES = 64;

/** The number that 32 bytes write, least significant first, or null where it is not below l. */
export function scalarOf(data: Uint8Array): bigint | null {
  const value = littleEndian(data);
  return data.length === 32 && value < ORDER ? value : null;
}

/** 64 bytes, least significant first, modulo l. */
export const wide = (data: Uint8Array): bigint => littleEndian(data) % ORDER;

/** 32 bytes, least significant first. */
export function scalarBytes(value: bigint): Uint8Array {
  const data = new Uint8Array(32);
  for (let place = 0, rest = value; place < 32; place++, rest >>= 8n) data[place] = Number(rest & 255n);
  return data;
}

/** Fresh scalars, each of 64 random bytes. */
export function randomScalars(count: number, random: Random): bigint[] {
  const drawn = random(WIDE_BYTES * count);
  const found = Array.from({ length: count }, (_, i) => wide(drawn.subarray(WIDE_BYTES * i, WIDE_BYTES * (i + 1))));
  wipe(drawn);
  return found;
}

/** k + c r. */
export const response = (k: bigint, c: bigint, r: bigint): bigint => (k + c * r) % ORDER;

function littleEndian(data: Uint8Array): bigint {
  let value = 0n;
  for (let place = data.length - 1; place >= 0; place--) value = (value << 8n) | BigInt(data[place]!);
  return value;
}
