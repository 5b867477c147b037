/** Records: the envelope, its parsing, and the record as a whole once its entries are read. */

import { BODIES, type Body, type RecordType } from './bodies.js';
import { concat, fromHex, utf8 } from './bytes.js';
import { canonicalBytes, type Json, JsonError, type JsonObject, readCanonical } from './json.js';
import type { LogName } from './policy.js';
import { hex64, object, oneOf, type Shape, text } from './schema.js';

const one: Shape<1> = (value): value is 1 => value === 1;
const anything: Shape<JsonObject> = (value): value is JsonObject => typeof value === 'object' && value !== null;
const envelope = object({
  body: anything,
  log: text,
  signature: hex64,
  signer: text,
  type: oneOf(...(Object.keys(BODIES) as RecordType[])),
  version: one,
});

export interface Entry<T extends RecordType = RecordType> {
  readonly type: T;
  readonly body: Body<T>;
  readonly signer: string;
  /** The origin that the record claims to be made for. */
  readonly origin: string;
  readonly log: LogName;
  readonly position: number;
  readonly leaf: Uint8Array;
  /** The place as reports show it: `tally/12`. */
  readonly where: string;
  readonly signature: Uint8Array;
  /** The bytes that the signature covers. */
  readonly signed: () => Uint8Array;
}

const PREFIX = utf8('VEMRE-1/record\n');

/** @throws JsonError for bytes that are not a record of a known type in canonical form */
export function parseEntry(bytes: Uint8Array, log: LogName, position: number, leaf: Uint8Array): Entry {
  const value = readCanonical(bytes);
  if (!envelope(value)) throw new JsonError('not the envelope of a record of a known type');
  if (!BODIES[value.type](value.body)) throw new JsonError(`not the body of a ${value.type}`);
  const { body, log: origin, signer, type, version, signature } = value;
  return {
    type, body: body as never, signer, origin, log, position, leaf, where: `${log}/${position}`,
    signature: fromHex(signature),
    signed: () => concat(PREFIX, canonicalBytes({ body, log: origin, signer, type, version })),
  };
}

export const bodyBytes = (entry: Entry): Uint8Array => canonicalBytes(entry.body as Json);

export function isType<T extends RecordType>(entry: Entry, type: T): entry is Entry<T> {
  return (entry.type as RecordType) === type;
}

/** The number of a numbered role: 2 of `trustee/2`, or null for another kind of signer. */
export function roleNumber(signer: string, kind: 'trustee' | 'mixer' | 'auditor'): number | null {
  const [found, digits] = signer.split('/');
  return found === kind && digits !== undefined && /^[1-9][0-9]{0,8}$/.test(digits) ? Number(digits) : null;
}
