/** Types of fields, as docs/spec/record-bodies.md names them. What has another form is CheckFailed(CANONICAL). */

import { CheckFailed } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

export type Reader<T> = (value: Json) => T;
export type Read<R> = R extends Reader<infer T> ? T : never;

type Readers = Record<string, Reader<unknown>>;
type Required<F extends Readers> = { readonly [K in keyof F]: Read<F[K]> };
type Optional<F extends Readers> = { readonly [K in keyof F]?: Read<F[K]> };

function wrong(detail: string): CheckFailed {
  return new CheckFailed('CANONICAL', detail);
}

export const any: Reader<Json> = (value) => value;

export const text: Reader<string> = (value) => {
  if (typeof value !== 'string') throw wrong('not a text');
  return value;
};

export const count: Reader<number> = (value) => {
  if (typeof value !== 'number' || value < 0) throw wrong('not a count');
  return value;
};

export const number: Reader<number> = (value) => {
  if (count(value) < 1) throw wrong('not a number from one up');
  return value as number;
};

/** A text of one form. */
export function matching(pattern: RegExp): Reader<string> {
  return (value) => {
    if (!pattern.test(text(value))) throw wrong(`not of the form ${pattern.source}`);
    return value as string;
  };
}

export const hexOf = (bytes: number): Reader<string> => matching(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
export const hex32 = hexOf(32);
export const hex64 = hexOf(64);

export function oneOf<T extends string>(...words: T[]): Reader<T> {
  return (value) => {
    if (!(words as Json[]).includes(value)) throw wrong(`none of ${words.join(', ')}`);
    return value as T;
  };
}

/** RFC 3339, UTC with Z, whole seconds, a date that exists. */
export const time: Reader<string> = (value) => {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$/.exec(text(value));
  const date = found === null || found[1] === '0000' ? NaN : Date.parse(found[0]);
  // A day or an hour that does not exist is moved to one that does, or is no date.
  if (Number.isNaN(date) || new Date(date).toISOString() !== `${found![0].slice(0, -1)}.000Z`) throw wrong('not a time');
  return value as string;
};

export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw wrong('not a list');
    return value.map(item);
  };
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object from any texts to values of one type. */
export function mapOf<T>(item: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return (value) => {
    if (!isObject(value)) throw wrong('not an object');
    return new Map(Object.keys(value).map((key) => [key, item(value[key]!)]));
  };
}

/** An object with exactly these fields; optional ones may be left out. */
export function struct<F extends Readers, O extends Readers = Record<never, never>>(
  fields: F,
  optional?: O,
): Reader<Required<F> & Optional<O>> {
  return (value) => {
    if (!isObject(value)) throw wrong('not an object');
    const found: Record<string, unknown> = {};
    for (const [key, reader] of Object.entries(fields)) {
      if (!(key in value)) throw wrong(`no field ${key}`);
      found[key] = reader(value[key]!);
    }
    for (const [key, reader] of Object.entries(optional ?? {})) {
      if (key in value) found[key] = reader(value[key]!);
    }
    if (Object.keys(value).length !== Object.keys(found).length) throw wrong('an unknown field');
    return found as Required<F> & Optional<O>;
  };
}

export const bilingual = struct({ es: text, en: text });
export const blob = struct({ sha256: hex32, size: count });
export const schnorr = struct({ commitment: hex32, response: hex32 });
export type BlobRef = Read<typeof blob>;
