/** Scalars as bytes, for tests alone: the verifier only reads them. */
import { scalarOfBytes } from '../src/core/scalar.js';

export function toBytes(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i += 1) out[i] = Number((value >> BigInt(8 * i)) & 255n);
  return out;
}

export { scalarOfBytes };
