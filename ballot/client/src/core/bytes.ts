/** Bytes: their spellings, their order, their end. */

import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';

export type Bytes = Uint8Array<ArrayBuffer>;
/** `random(n)` gives n fresh bytes, which the caller may overwrite. */
export type Random = (count: number) => Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const hex: (data: Uint8Array) => string = bytesToHex;
export const unhex = (text: string): Uint8Array => hexToBytes(text);
export const concat: (...parts: Uint8Array[]) => Uint8Array = concatBytes;
export const utf8 = (text: string): Bytes => encoder.encode(text);

/** The system's generator of random bytes. */
export const systemRandom: Random = (count) => crypto.getRandomValues(new Uint8Array(count));

/** The text of strict UTF-8, or null. */
export function textOf(data: Uint8Array): string | null {
  try {
    return decoder.decode(data);
  } catch {
    return null;
  }
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compare(a, b) === 0;
}

/** Below, at or above zero, as `a` comes before, with or after `b`. For public data. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Overwrites what nobody needs any more. */
export function wipe(...secrets: Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

export function u32be(value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value);
  return data;
}

export function u64be(value: number): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt(value));
  return data;
}

/** Parts of `size` bytes each; the last may be shorter. */
export function chunks(data: Uint8Array, size: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let start = 0; start < data.length; start += size) found.push(data.subarray(start, start + size));
  return found;
}

/** Padded base64 of the standard alphabet. */
export function base64(data: Uint8Array): string {
  let text = '';
  for (const part of chunks(data, 3)) {
    const bits = (part[0]! << 16) | ((part[1] ?? 0) << 8) | (part[2] ?? 0);
    for (let place = 0; place < 4; place++) {
      text += place > part.length ? '=' : ALPHABET[(bits >> (18 - 6 * place)) & 63]!;
    }
  }
  return text;
}

/** The bytes of padded, canonical base64, or null. */
export function unbase64(text: string): Uint8Array | null {
  if (!BASE64.test(text)) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const data = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, j = 0; i < text.length; i += 4) {
    let bits = 0;
    for (let k = 0; k < 4; k++) bits = (bits << 6) | Math.max(0, ALPHABET.indexOf(text[i + k]!));
    for (let shift = 16; shift >= 0 && j < data.length; shift -= 8) data[j++] = (bits >> shift) & 255;
  }
  return base64(data) === text ? data : null;
}
