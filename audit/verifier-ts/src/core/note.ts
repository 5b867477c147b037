/** Signed notes, keys, checkpoints and cosignatures (the C2SP formats, as the specification narrows them). */

import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { concat, equal, fromBase64, fromUtf8, sha256, toHex, u64be, utf8 } from './bytes.js';
import { isUsableKey, type Verify } from './ed25519.js';

/** A note, key or checkpoint is not what the format demands. */
export class NoteError extends Error {}

export const LOG_KEY = 0x01;
export const ED25519_WITNESS = 0x04;
export const ML_DSA_WITNESS = 0x06;

const KEY_LENGTH: Record<number, number> = { [LOG_KEY]: 32, [ED25519_WITNESS]: 32, [ML_DSA_WITNESS]: 1312 };
const SIGNATURE_LENGTH: Record<number, number> = { [LOG_KEY]: 64, [ED25519_WITNESS]: 72, [ML_DSA_WITNESS]: 2428 };
const LONGEST_NOTE = 65536;
const LARGEST = 2n ** 63n - 1n;
const EMPTY_ROOT = sha256(new Uint8Array());
const NOT_IN_NAMES = /[\p{White_Space}\u0000-\u001f+]/u;

export interface NoteKey {
  readonly name: string;
  readonly id: Uint8Array;
  readonly type: number;
  readonly key: Uint8Array;
}

const isName = (text: string): boolean => text !== '' && !NOT_IN_NAMES.test(text);

/**
 * The key that a vkey line writes.
 * @throws NoteError for a malformed line, another type of key, a wrong key id, or an Ed25519 key that is of no use
 */
export function parseVkey(line: string, types: readonly number[]): NoteKey {
  const first = line.indexOf('+');
  const second = line.indexOf('+', first + 1);
  if (first < 0 || second < 0) throw new NoteError('a vkey has three parts');
  const name = line.slice(0, first);
  const bytes = fromBase64(line.slice(second + 1));
  if (!isName(name) || bytes === null || bytes.length < 1) throw new NoteError('a malformed vkey');
  const type = bytes[0]!;
  const key = bytes.slice(1);
  if (!types.includes(type) || key.length !== KEY_LENGTH[type]) throw new NoteError('another type of key');
  const id = sha256(concat(utf8(name), Uint8Array.of(0x0a), bytes)).slice(0, 4);
  if (toHex(id) !== line.slice(first + 1, second)) throw new NoteError('the key id is not that of the key');
  if (type !== ML_DSA_WITNESS && !isUsableKey(key)) throw new NoteError('the key is not a usable Ed25519 key');
  return { name, id, type, key };
}

/** A decimal of the text formats: no sign, no leading zero, at most 2^63 - 1. */
export function parseDecimal(text: string): bigint {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text)) throw new NoteError('not a decimal');
  const value = BigInt(text);
  if (value > LARGEST) throw new NoteError('a number is too large');
  return value;
}

interface SignatureLine {
  readonly name: string;
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
}

interface Note {
  readonly text: string;
  readonly lines: readonly SignatureLine[];
}

function parseSignatureLine(line: string): SignatureLine {
  const space = line.indexOf(' ', 2);
  const bytes = fromBase64(line.slice(space + 1));
  const name = line.slice(2, space);
  const wellFormed = line.startsWith('\u2014 ') && space > 0 && isName(name) && bytes !== null && bytes.length > 4;
  if (!wellFormed) throw new NoteError('a malformed signature line');
  return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > LONGEST_NOTE) throw new NoteError('longer than 64 KiB');
  const whole = fromUtf8(bytes);
  if (whole === null) throw new NoteError('not UTF-8');
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) throw new NoteError('a control character');
  const end = whole.lastIndexOf('\n\n');
  if (end < 0 || !whole.endsWith('\n')) throw new NoteError('no empty line before the signatures');
  const rest = whole.slice(end + 2, -1);
  if (whole.length === end + 2) throw new NoteError('no signature');
  return { text: whole.slice(0, end + 1), lines: rest.split('\n').map(parseSignatureLine) };
}

/** An opened checkpoint: whose it is, and which of the known witnesses cosigned it. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly witnesses: readonly NoteKey[];
}

async function cosignatureHolds(
  key: NoteKey, signed: Uint8Array, text: string, at: Omit<Checkpoint, 'witnesses'>, verify: Verify,
): Promise<boolean> {
  const time = new DataView(signed.buffer, signed.byteOffset).getBigUint64(0);
  const signature = signed.subarray(8);
  if (time > LARGEST) return false;
  if (key.type === ED25519_WITNESS) {
    return verify(key.key, utf8(`cosignature/v1\ntime ${time}\n${text}`), signature);
  }
  const [witness, origin] = [utf8(key.name), utf8(at.origin)];
  if (time === 0n || witness.length > 255 || origin.length > 255) return false;
  const message = concat(
    utf8('subtree/v1\n\0'), Uint8Array.of(witness.length), witness, u64be(time),
    Uint8Array.of(origin.length), origin, u64be(0), u64be(at.size), at.root,
  );
  return ml_dsa44.verify(signature, message, key.key);
}

async function lineHolds(
  key: NoteKey, line: SignatureLine, text: string, at: Omit<Checkpoint, 'witnesses'>, verify: Verify,
): Promise<boolean> {
  if (line.signature.length !== SIGNATURE_LENGTH[key.type]) return false;
  if (key.type === LOG_KEY) return verify(key.key, utf8(text), line.signature);
  return cosignatureHolds(key, line.signature, text, at, verify);
}

/**
 * Open a checkpoint with the key of its log and the witness keys of the policy.
 * @throws NoteError for anything that is wrong with its form, the log's signature or a known witness's cosignature
 */
export async function openCheckpoint(
  bytes: Uint8Array, log: NoteKey, witnesses: readonly NoteKey[], verify: Verify,
): Promise<Checkpoint> {
  const { text, lines } = parseNote(bytes);
  const [origin, size, rootText, end, ...more] = text.split('\n');
  if (end !== '' || more.length > 0) throw new NoteError('not the three lines of a checkpoint');
  const root = fromBase64(rootText!);
  if (root === null || root.length !== 32) throw new NoteError('the root is not a hash');
  if (origin !== log.name) throw new NoteError('the checkpoint of another log');
  const at = { origin, size: parseDecimal(size!), root };
  if (at.size === 0n && !equal(root, EMPTY_ROOT)) throw new NoteError('size 0 with another root than that of no entries');
  const seen = new Set<NoteKey>();
  for (const line of lines) {
    const key = [log, ...witnesses].find((known) => known.name === line.name && equal(known.id, line.id));
    if (key === undefined) continue;
    if (seen.has(key)) throw new NoteError(`two lines of the key of ${key.name}`);
    if (!(await lineHolds(key, line, text, at, verify))) throw new NoteError(`the signature of ${key.name} does not verify`);
    seen.add(key);
  }
  if (!seen.has(log)) throw new NoteError('no signature of the log');
  return { ...at, witnesses: witnesses.filter((key) => seen.has(key)) };
}
