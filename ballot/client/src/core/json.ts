/** JSON without surprises, and its one canonical spelling (RFC 8785). Source: docs/spec/records.md.
 *
 * The language's own parser keeps the last of two equal keys and rounds large numbers, so this one is its own.
 */

import { compare, textOf, utf8, type Bytes } from './bytes.ts';
import { CheckFailed } from './errors.ts';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const MAX_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPED = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACE = /[ \t\n\r]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The canonical bytes of a value. Throws CheckFailed(CANONICAL) for what has none. */
export function canonical(value: Json): Bytes {
  return utf8(spelt(value, 0));
}

/** The value of canonical JSON of at most `limit` bytes. Throws CheckFailed(CANONICAL). */
export function parseCanonical(data: Uint8Array, limit: number): Json {
  const value = parseJson(data, limit);
  if (compare(canonical(value), data) !== 0) throw wrong('does not re-encode to the same bytes');
  return value;
}

/** The value of JSON in any spelling, without two equal keys, with integers alone. Throws CheckFailed(CANONICAL). */
export function parseJson(data: Uint8Array, limit: number): Json {
  if (data.length > limit) throw wrong(`${data.length} bytes, more than the ${limit} allowed`);
  const text = textOf(data);
  if (text === null) throw wrong('not UTF-8');
  return new Parser(text).whole();
}

function wrong(detail: string): CheckFailed {
  return new CheckFailed('CANONICAL', detail);
}

function spelt(value: Json, depth: number): string {
  if (depth > MAX_DEPTH) throw wrong('nested too deeply');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw wrong('a number that is not an integer up to 2^53-1');
    return String(value);
  }
  if (typeof value === 'string') {
    if (LONE_SURROGATE.test(value)) throw wrong('a lone surrogate');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((inner) => spelt(inner, depth + 1)).join(',')}]`;
  // The order of `sort` is that of UTF-16 code units, as RFC 8785 wants it.
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${spelt(key, 0)}:${spelt(value[key]!, depth + 1)}`).join(',')}}`;
}

class Parser {
  private place = 0;

  constructor(private readonly text: string) {}

  whole(): Json {
    const value = this.value(0);
    if (this.place !== this.text.length) throw wrong('not JSON');
    return value;
  }

  private value(depth: number): Json {
    if (depth > MAX_DEPTH) throw wrong('nested too deeply');
    this.take(SPACE);
    const value = this.bare(depth);
    this.take(SPACE);
    return value;
  }

  private bare(depth: number): Json {
    switch (this.text[this.place]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const found: JsonObject = Object.create(null) as JsonObject;
    this.items('}', () => {
      this.take(SPACE);
      const key = this.string();
      this.take(SPACE);
      this.need(':');
      if (key in found) throw wrong('a duplicate key');
      found[key] = this.value(depth + 1);
    });
    return found;
  }

  private array(depth: number): Json[] {
    const found: Json[] = [];
    this.items(']', () => found.push(this.value(depth + 1)));
    return found;
  }

  private items(end: string, item: () => void): void {
    this.place++;
    this.take(SPACE);
    if (this.text[this.place] === end) {
      this.place++;
      return;
    }
    for (;;) {
      item();
      if (this.text[this.place] === end) break;
      this.need(',');
    }
    this.place++;
  }

  private string(): string {
    this.need('"');
    const start = this.place - 1;
    for (;;) {
      this.take(PLAIN);
      if (this.text[this.place] !== '\\') break;
      if (this.take(ESCAPED) === '') throw wrong('not JSON: an escape');
    }
    this.need('"');
    return JSON.parse(this.text.slice(start, this.place)) as string;
  }

  private number(): number {
    const digits = this.take(NUMBER);
    if (digits === '' || /[.eE]/.test(this.text[this.place] ?? '')) throw wrong('not JSON, or no integer');
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) throw wrong('a number over 2^53-1');
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.place)) throw wrong('not JSON');
    this.place += word.length;
    return value;
  }

  private need(character: string): void {
    if (this.text[this.place] !== character) throw wrong('not JSON');
    this.place++;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.place;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.place += found.length;
    return found;
  }
}
