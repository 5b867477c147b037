/**
 * Strict JSON. `parseJson` reads any spelling but refuses what records never have (fractions, signs, booleans, doubled
 * keys, deep nesting); `readCanonical` moreover demands the one spelling of RFC 8785.
 */

import { fromUtf8, utf8 } from './bytes.js';

export type Json = null | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** The text is not JSON of the profile. */
export class JsonError extends Error {}

const DEEPEST = 16;
const ESCAPES: Record<string, string> = {
  '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t',
};
const LONE_SURROGATE = /\p{Surrogate}/u;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const INTEGER = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at !== this.text.length) throw new JsonError('text after the value');
    return value;
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return null;
    this.at += found[0].length;
    return found[0];
  }

  private space(): void {
    this.match(SPACE);
  }

  private take(symbol: string): boolean {
    this.space();
    if (this.text[this.at] !== symbol) return false;
    this.at += 1;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.take(symbol)) throw new JsonError(`no ${symbol} where one must stand`);
  }

  private value(depth: number): Json {
    this.space();
    const first = this.text[this.at];
    if (first === '{' || first === '[') {
      if (depth === DEEPEST) throw new JsonError('nested too deep');
      return first === '{' ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (first === '"') return this.string();
    if (this.text.startsWith('null', this.at)) {
      this.at += 4;
      return null;
    }
    const digits = this.match(INTEGER);
    if (digits === null || digits.length > 16) throw new JsonError('not a value of the profile');
    const number = Number(digits);
    if (!Number.isSafeInteger(number)) throw new JsonError('a number is too large');
    return number;
  }

  private object(depth: number): JsonObject {
    const out = Object.create(null) as JsonObject;
    this.expect('{');
    if (this.take('}')) return out;
    do {
      this.space();
      const key = this.string();
      if (Object.hasOwn(out, key)) throw new JsonError('a key stands twice');
      this.expect(':');
      out[key] = this.value(depth);
    } while (this.take(','));
    this.expect('}');
    return out;
  }

  private array(depth: number): Json[] {
    const out: Json[] = [];
    this.expect('[');
    if (this.take(']')) return out;
    do out.push(this.value(depth));
    while (this.take(','));
    this.expect(']');
    return out;
  }

  private string(): string {
    if (this.text[this.at] !== '"') throw new JsonError('no string where one must stand');
    this.at += 1;
    let out = '';
    for (;;) {
      out += this.match(PLAIN) ?? '';
      const symbol = this.text[this.at];
      this.at += 1;
      if (symbol === '"') break;
      if (symbol !== '\\') throw new JsonError('a string does not end, or has a control character');
      out += this.escape();
    }
    if (LONE_SURROGATE.test(out)) throw new JsonError('half a surrogate pair');
    return out;
  }

  private escape(): string {
    const symbol = this.text[this.at] ?? '';
    this.at += 1;
    if (symbol !== 'u') {
      const plain = ESCAPES[symbol];
      if (plain === undefined) throw new JsonError('an unknown escape');
      return plain;
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new JsonError('an unknown escape');
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }
}

/** @throws JsonError for text outside the profile, in any spelling of it. */
export function parseJson(text: string): Json {
  return new Reader(text).document();
}

/** The canonical text (RFC 8785) of a value of the profile. */
export function canonicalText(value: Json): string {
  if (value === null || typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key]!)}`).join(',')}}`;
}

export const canonicalBytes = (value: Json): Uint8Array => utf8(canonicalText(value));

/** @throws JsonError unless the bytes are the canonical spelling of a value of the profile. */
export function readCanonical(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  if (text === null) throw new JsonError('not UTF-8');
  const value = parseJson(text);
  if (canonicalText(value) !== text) throw new JsonError('not in canonical form');
  return value;
}
