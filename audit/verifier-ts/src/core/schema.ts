/** Types of fields: each a test that also tells the compiler what has passed it. */

export type Shape<T> = (value: unknown) => value is T;
export type Of<S> = S extends Shape<infer T> ? T : never;

type Fields = Record<string, Shape<unknown>>;
type Whole<F extends Fields> = { [K in keyof F]: Of<F[K]> };

const matching =
  (pattern: RegExp): Shape<string> =>
  (value): value is string =>
    typeof value === 'string' && pattern.test(value);

const between =
  (least: number): Shape<number> =>
  (value): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least;

export const text: Shape<string> = (value): value is string => typeof value === 'string';
export const count = between(0);
export const number = between(1);
export const hex32 = matching(/^[0-9a-f]{64}$/);
export const hex64 = matching(/^[0-9a-f]{128}$/);
export const box = matching(/^[0-9a-f]{144}$/);
export const uuid = matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
export const country = matching(/^(?:[A-Z]{2}|other)$/);

/** An id is any text here; its form is judged with the manifest, and that of a role by the rule that looks for it. */
export const id = text;
export const role = text;
/** Notes and vkeys are texts here; their form is judged by [NOTE] and [MANIFEST-KEYS]. */
export const checkpoint = text;
export const vkey = text;

const TIME = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;

/** RFC 3339, UTC, whole seconds, a date that exists. Such texts sort as the times do. */
export const time: Shape<string> = (value): value is string => {
  const parts = typeof value === 'string' ? TIME.exec(value) : null;
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return year >= 1 && day >= 1 && day <= days;
};

export const oneOf =
  <T extends string>(...texts: readonly T[]): Shape<T> =>
  (value): value is T =>
    texts.some((allowed) => allowed === value);

export const list =
  <T>(item: Shape<T>): Shape<T[]> =>
  (value): value is T[] =>
    Array.isArray(value) && value.every((entry) => item(entry));

export const orNull =
  <T>(item: Shape<T>): Shape<T | null> =>
  (value): value is T | null =>
    value === null || item(value);

/** An object with exactly these fields, and any of the optional ones. */
export function object<F extends Fields, P extends Fields = Record<never, never>>(
  required: F, optional?: P,
): Shape<Whole<F> & Partial<Whole<P>>> {
  const known: Fields = { ...required, ...optional };
  return (value): value is Whole<F> & Partial<Whole<P>> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const found = value as Record<string, unknown>;
    const keys = Object.keys(found);
    return (
      keys.every((key) => Object.hasOwn(known, key) && known[key]!(found[key])) &&
      Object.keys(required).every((key) => Object.hasOwn(found, key))
    );
  };
}

/** An object of any keys whose values have one form. */
export const record =
  <T>(item: Shape<T>): Shape<Record<string, T>> =>
  (value): value is Record<string, T> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((entry) => item(entry));

export const blob = object({ sha256: hex32, size: count });
export type Blob = Of<typeof blob>;
export const bilingual = object({ es: text, en: text });
export const schnorr = object({ commitment: hex32, response: hex32 });
export type Schnorr = Of<typeof schnorr>;
export const equality = object({ t1: hex32, t2: hex32, response: hex32 });
export type Equality = Of<typeof equality>;
export const verdict = oneOf('favourable', 'unfavourable');
