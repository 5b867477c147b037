/** Signed notes, checkpoints and cosignatures. Source: docs/spec/log.md. What is malformed is CheckFailed(NOTE). */

import { sha256 } from '@noble/hashes/sha2.js';
import { base64, concat, equal, hex, textOf, unbase64, utf8 } from './bytes.ts';
import * as ed25519 from './ed25519.ts';
import { CheckFailed } from './errors.ts';
import { EMPTY_ROOT } from './merkle.ts';

export const MAX_NOTE_BYTES = 65_536;
const MAX_COSIGNATURE_TIME = 2n ** 63n - 1n;

const LOG = 1;
const COSIGNATURE = 4;
const ML_DSA_44 = 6;
const PUBLIC_BYTES: Readonly<Record<number, number>> = { [LOG]: 32, [COSIGNATURE]: 32, [ML_DSA_44]: 1312 };

/** A key name may hold no white space (as Unicode has it, not as JavaScript has it) and no plus sign. */
const KEY_NAME = /^[^+\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/u;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;

export function malformed(detail: string): CheckFailed {
  return new CheckFailed('NOTE', detail);
}

// --- strict spellings -------------------------------------------------------------------------------------------

/** UTF-8 of at most `limit` bytes without control characters other than the line feed. */
export function strictText(data: Uint8Array, limit: number): string {
  const text = data.length <= limit ? textOf(data) : null;
  if (text === null || CONTROL.test(text)) throw malformed('not a text: too long, not UTF-8, or with control characters');
  return text;
}

/** A decimal. Numbers over 2^53 - 1 are refused: no log is that long. */
export function decimal(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw malformed('not a plain decimal number, or one over 2^53-1');
  return value;
}

/** Base64 of exactly 32 bytes. */
export function hash(text: string): Uint8Array {
  const data = unbase64(text);
  if (data?.length !== 32) throw malformed('not a hash');
  return data;
}

// --- keys and notes ---------------------------------------------------------------------------------------------

/** A verification key. `id` are the four bytes before its signatures. */
export interface Vkey {
  readonly name: string;
  readonly type: number;
  readonly public: Uint8Array;
  readonly id: Uint8Array;
}

export function parseVkey(text: string): Vkey {
  const found = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(text);
  const data = found && unbase64(found[3]!);
  if (!found || !data?.length) throw malformed('vkey: not a name, a key id and a key');
  const [, name, hexId] = found as unknown as [string, string, string];
  const type = data[0]!;
  const key = data.subarray(1);
  if (!KEY_NAME.test(name) || key.length !== PUBLIC_BYTES[type]) throw malformed('vkey: a name, a type or a length');
  if (type !== ML_DSA_44 && !ed25519.isPublicKey(key)) throw malformed('vkey: a key that cannot be used');
  const id = sha256(concat(utf8(name), utf8('\n'), data)).subarray(0, 4);
  if (hex(id) !== hexId) throw malformed("vkey: another key's id");
  return { name, type, public: key, id };
}

interface Line {
  readonly name: string;
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
}

function parseLine(line: string): Line {
  const parts = line.split(' ');
  const data = unbase64(parts[2] ?? '');
  if (parts.length !== 3 || parts[0] !== '\u2014' || !KEY_NAME.test(parts[1]!) || data === null || data.length <= 4) {
    throw malformed('signature line: not a dash, a name and a signature');
  }
  return { name: parts[1]!, id: data.subarray(0, 4), signature: data.subarray(4) };
}

function parseNote(data: Uint8Array): { text: string; lines: Line[] } {
  const whole = strictText(data, MAX_NOTE_BYTES);
  const end = whole.lastIndexOf('\n\n');
  const tail = whole.slice(end + 2);
  if (end < 0 || !tail.endsWith('\n')) throw malformed('note: not a text, an empty line and signature lines');
  return { text: whole.slice(0, end + 1), lines: tail.slice(0, -1).split('\n').map(parseLine) };
}

function lineOf(lines: readonly Line[], key: Vkey): Line | undefined {
  const found = lines.filter((line) => line.name === key.name && equal(line.id, key.id));
  if (found.length > 1) throw malformed(`note: two lines of the key ${key.name}`);
  return found[0];
}

// --- checkpoints ------------------------------------------------------------------------------------------------

/** A checkpoint whose log signature and known cosignatures all verify. `cosigners` are keys, in the given order. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly cosigners: readonly Vkey[];
}

/** Verifies a signed checkpoint of `log`, and every line of a witness in `witnesses` that has a type 0x04 key.
 *
 * Lines of other keys are ignored, those of ML-DSA-44 witnesses included: this client does not verify them and counts
 * nobody for them. */
export function openCheckpoint(data: Uint8Array, log: Vkey, witnesses: readonly Vkey[]): Checkpoint {
  const { text, lines } = parseNote(data);
  const parts = text.split('\n');
  if (parts.length !== 4) throw malformed('checkpoint: not exactly three lines');
  const size = decimal(parts[1]!);
  const root = hash(parts[2]!);
  if (parts[0] !== log.name) throw malformed("checkpoint: another log's origin");
  if (size === 0 && !equal(root, EMPTY_ROOT)) throw malformed("checkpoint: size 0 with a root that is not the empty tree's");
  const own = lineOf(lines, log);
  if (log.type !== LOG || !own || !ed25519.verify(log.public, utf8(text), own.signature)) {
    throw malformed(`checkpoint: no valid signature of the log ${log.name}`);
  }
  const cosigners: Vkey[] = [];
  for (const witness of witnesses) {
    const line = witness.type === COSIGNATURE ? lineOf(lines, witness) : undefined;
    if (line === undefined) continue;
    verifyCosignature(witness, text, line.signature);
    // A log's own key is no witness, under whatever name it comes back.
    if (!equal(witness.public, log.public)) cosigners.push(witness);
  }
  return { origin: log.name, size, root, cosigners };
}

function verifyCosignature(key: Vkey, text: string, signature: Uint8Array): void {
  if (signature.length !== 72) throw malformed(`cosignature of ${key.name}: not a time and a signature`);
  const time = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
  const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  if (time > MAX_COSIGNATURE_TIME || !ed25519.verify(key.public, message, signature.subarray(8))) {
    throw malformed(`cosignature of ${key.name}: it does not verify`);
  }
}

/** The text of a checkpoint, as the log signs it. */
export function checkpointText(origin: string, size: number, root: Uint8Array): string {
  return `${origin}\n${size}\n${base64(root)}\n`;
}

/** The auditors with a cosignature by any of their keys. A quorum counts auditors, never keys: one that is listed
 * under two of them counts for the first. */
export function auditorsOf(opened: Checkpoint, auditors: ReadonlyMap<string, readonly Vkey[]>): string[] {
  const cosigned = new Set(opened.cosigners.map((key) => hex(key.public)));
  const used = new Set<string>();
  const found: string[] = [];
  for (const [auditor, keys] of auditors) {
    const names = keys.map((key) => hex(key.public));
    if (names.some((name) => cosigned.has(name) && !used.has(name))) found.push(auditor);
    for (const name of names) used.add(name);
  }
  return found;
}
