/** Bytes and their spellings. Every decoder here is strict: one value, one spelling. */

import { sha256 } from '@noble/hashes/sha2.js';

export { sha256 };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const HEX: string[] = [];
for (let i = 0; i < 256; i += 1) HEX.push(i.toString(16).padStart(2, '0'));

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The text of UTF-8 bytes, or null where they are not UTF-8 (overlong forms and surrogates included). */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** Bytes of lower-case hexadecimal. The caller has checked the form; anything else is a mistake of this program. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new TypeError('not lower-case hexadecimal');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const SEXTET = new Map<string, number>([...BASE64].map((symbol, value) => [symbol, value]));

export function toBase64(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += BASE64[word >> 18]! + BASE64[(word >> 12) & 63]!;
    out += left > 1 ? BASE64[(word >> 6) & 63]! : '=';
    out += left > 2 ? BASE64[word & 63]! : '=';
  }
  return out;
}

/** Bytes of padded standard base64, or null where the text is not what these bytes encode to. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < text.length; i += 4) {
    let word = 0;
    for (let k = 0; k < 4; k += 1) {
      const symbol = text[i + k]!;
      const isPadding = symbol === '=' && i + k >= text.length - padding;
      const value = isPadding ? 0 : SEXTET.get(symbol);
      if (value === undefined) return null;
      word = (word << 6) | value;
    }
    for (const shift of [16, 8, 0]) if (at < out.length) out[at++] = (word >> shift) & 255;
  }
  return toBase64(out) === text ? out : null;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Order of byte strings: negative, zero or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

export function u32be(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

export function u64be(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}
