/** Records: the entries of the logs. Source: docs/spec/records.md. */

import { concat, hex, unhex, utf8 } from './bytes.ts';
import { KINDS, type Bodies, type Manifest } from './bodies.ts';
import * as ed25519 from './ed25519.ts';
import { CheckFailed } from './errors.ts';
import { hex64, isObject, number, struct, text } from './fields.ts';
import { canonical, parseCanonical, type Json, type JsonObject } from './json.ts';
import { leafHash } from './merkle.ts';
import { MAX_ENTRY_BYTES } from './reader.ts';
import type { LogName } from './source.ts';

const SIGNATURE_DOMAIN = utf8('VEMRE-1/record\n');
const VERSION = 1;

const anyObject = (value: Json): JsonObject => {
  if (!isObject(value)) throw new CheckFailed('CANONICAL', 'not an object');
  return value;
};
const envelope = struct({ body: anyObject, log: text, signature: hex64, signer: text, type: text, version: number });

/** A parsed record of one type (any type that a client knows, unless one was asked for). */
export interface Entry<T extends string = string> {
  readonly type: T;
  readonly log: string;
  readonly signer: string;
  readonly body: T extends keyof Bodies ? Bodies[T] : unknown;
  /** The body as it stands, for its digest. */
  readonly plain: JsonObject;
  readonly signature: Uint8Array;
  readonly leaf: Uint8Array;
  readonly where: string;
}

/** Whether a record is of one type. */
export function isOf<T extends keyof Bodies>(record: Entry, type: T): record is Entry<T> {
  return record.type === type;
}

/** One entry of a log. Throws CheckFailed(CANONICAL); signature and role are checked apart. */
export function parseRecord(entry: Uint8Array, where: string): Entry {
  const found = envelope(parseCanonical(entry, MAX_ENTRY_BYTES));
  const kind = Object.hasOwn(KINDS, found.type) ? KINDS[found.type] : undefined;
  if (kind === undefined || found.version !== VERSION) throw new CheckFailed('CANONICAL', 'a type or version that is not known');
  const body = kind.body(found.body);
  const { log, signer, type } = found;
  return { type, log, signer, body, plain: found.body, signature: unhex(found.signature), leaf: leafHash(entry), where };
}

/** The type of a record whose body is not looked at, of whatever type. Throws CheckFailed(CANONICAL). */
export function typeOf(entry: Uint8Array): string {
  return envelope(parseCanonical(entry, MAX_ENTRY_BYTES)).type;
}

/** That the record was made for this log, by a role that may sign its type here, and that its signature verifies
 * under that role's key. Throws CheckFailed(RECORD-SIGNATURE or RECORD-ROLE). */
export function checkSigner(record: Entry, log: LogName, origin: string, keys: ReadonlyMap<string, Uint8Array>): void {
  const key = keys.get(record.signer);
  const { log: made, signer, type, where } = record;
  if (key !== undefined && !ed25519.verify(key, signedBytes(record.plain, made, signer, type), record.signature)) {
    throw new CheckFailed('RECORD-SIGNATURE', `the signature of this ${type} does not verify under the key of ${signer}`, where);
  }
  const kind = KINDS[type]!;
  const role = signer.split('/')[0]!;
  const allowed = role !== 'writer' && (kind.signers.includes(role) || (kind.signers.includes('writer') && signer === log));
  if (made !== origin || key === undefined || !allowed) {
    throw new CheckFailed('RECORD-ROLE', `${signer} may not sign a record of type ${type}, or it was made for another log`, where);
  }
}

/** What the signature of a record covers. */
export function signedBytes(body: Json, log: string, signer: string, type: string): Uint8Array {
  return concat(SIGNATURE_DOMAIN, canonical({ body, log, signer, type, version: VERSION }));
}

/** The entry of a signed record. Throws CheckFailed(CANONICAL) where it would be too long. */
export function assemble(body: Json, log: string, signer: string, type: string, signature: Uint8Array): Uint8Array {
  const entry = canonical({ body, log, signature: hex(signature), signer, type, version: VERSION });
  if (entry.length > MAX_ENTRY_BYTES) throw new CheckFailed('CANONICAL', `${entry.length} bytes, more than an entry may have`);
  return entry;
}

/** Role id to the key that signs its records. */
export function roleKeys(manifest: Manifest): Map<string, Uint8Array> {
  const members = [...manifest.trustees.members, ...manifest.mixers, ...manifest.auditors];
  return new Map<string, Uint8Array>([
    ['authority', unhex(manifest.authority.sign)],
    ['registry', unhex(manifest.registry.sign)],
    ['ballot-box', unhex(manifest.ballot_box.sign)],
    ['tally', unhex(manifest.tally.sign)],
    ...members.map(({ id, sign }): [string, Uint8Array] => [id, unhex(sign)]),
  ]);
}
