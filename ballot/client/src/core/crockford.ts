/** Crockford's base32: how people read, type and compare. Source: docs/spec/credential.md. */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The first `symbols` * 5 bits of the bytes, which may end in bits of zero that nobody gave. */
export function encodeBits(data: Uint8Array, symbols: number): string {
  let text = '';
  for (let place = 0; place < symbols; place++) {
    let value = 0;
    for (let bit = 5 * place; bit < 5 * place + 5; bit++) value = (value << 1) | (((data[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    text += ALPHABET[value]!;
  }
  return text;
}

/** The values 0 to 31 of the symbols, or null where one is no symbol. */
export function values(symbols: string): number[] | null {
  const found = Array.from(symbols, (symbol) => (symbol.length === 1 ? ALPHABET.indexOf(symbol) : -1));
  return found.includes(-1) ? null : found;
}

/** Values as bytes, most significant first; bits that do not fill a byte stand at the front. */
export function toBytes(symbols: readonly number[], size: number): Uint8Array {
  const data = new Uint8Array(size);
  symbols.forEach((value, index) => {
    for (let bit = 0; bit < 5; bit++) {
      const place = 8 * size - 5 * (symbols.length - index) + bit;
      if (place >= 0) data[place >> 3]! |= ((value >> (4 - bit)) & 1) << (7 - (place & 7));
    }
  });
  return data;
}

/** What a person typed, as symbols: hyphens and spaces dropped, ASCII letters as capitals, I and L as 1, O as 0. */
export function normalise(text: string): string {
  return text
    .replace(/[- ]/g, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0');
}

/** In groups of four, joined by hyphens. */
export function grouped(symbols: string): string {
  return (symbols.match(/.{1,4}/g) ?? []).join('-');
}
