/** Receipts: a tlog-proof, which shows anyone off line that a ballot is in the log. Source: docs/spec/receipts.md. */

import { base64, equal, hex, unbase64, utf8 } from './bytes.ts';
import { CheckFailed, Refused, located } from './errors.ts';
import { leafHash, verifyInclusion } from './merkle.ts';
import { MAX_NOTE_BYTES, auditorsOf, decimal, hash, malformed, strictText, type Checkpoint } from './note.ts';
import { openWith, type Policy } from './policy.ts';
import { LogReader } from './reader.ts';
import type { Source } from './source.ts';
import { shown } from './tracker.ts';

const MAX_RECEIPT_BYTES = 2 * MAX_NOTE_BYTES;
const MAX_HASHES = 63;
const HEADER = 'c2sp.org/tlog-proof@v1';

interface Receipt {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
  readonly extra: Uint8Array | null;
}

/** A receipt that verifies. `missing` are the auditors that have not cosigned; the quorum is reached or still pending. */
export interface CheckedReceipt {
  readonly leaf: Uint8Array;
  readonly tracker: string;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly auditors: readonly string[];
  readonly missing: readonly string[];
  readonly quorumReached: boolean;
}

/** The receipt of the ballot with this leaf hash. Throws CheckFailed(NOTE or LOG). */
export function verifyReceipt(receipt: Uint8Array, leaf: Uint8Array, policy: Policy): CheckedReceipt {
  return located('receipt', () => {
    const { index, hashes, checkpoint } = parse(receipt);
    const opened = openWith(policy, 'ballot', checkpoint);
    verifyInclusion(index, opened.size, leaf, hashes, opened.root);
    return checkedAt(opened, index, leaf, policy);
  });
}

function checkedAt(opened: Checkpoint, index: number, leaf: Uint8Array, policy: Policy): CheckedReceipt {
  const auditors = auditorsOf(opened, policy.witnesses);
  const missing = [...policy.witnesses.keys()].filter((auditor) => !auditors.includes(auditor));
  const quorumReached = auditors.length >= policy.quorum;
  return { leaf, tracker: shown(leaf), index, size: opened.size, root: opened.root, auditors, missing, quorumReached };
}

/** The receipt of whatever ballot its file names in `extra`, which nobody signed: the voter compares the tracker.
 *
 * Throws CheckFailed(NOTE or LOG), Refused("receipt-without-ballot"). */
export function verifyReceiptFile(receipt: Uint8Array, policy: Policy): CheckedReceipt {
  const { extra } = located('receipt', () => parse(receipt));
  if (extra?.length !== 32) throw new Refused('receipt-without-ballot');
  return verifyReceipt(receipt, extra, policy);
}

/** The receipt in the ballot box's answer to a ballot, compared with what follows from the ballot's own bytes.
 *
 * Throws Refused("receipt-of-another-ballot"), CheckFailed(NOTE or LOG): alarms. */
export function verifyAnswer(answer: unknown, entry: Uint8Array, policy: Policy): CheckedReceipt {
  const leaf = leafHash(entry);
  const said = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  if (typeof said['receipt'] !== 'string') throw malformed('the answer to the ballot is no receipt').at('receipt');
  if (said['leaf_hash'] !== hex(leaf) || said['tracker'] !== shown(leaf)) throw new Refused('receipt-of-another-ballot');
  const checked = verifyReceipt(utf8(said['receipt']), leaf, policy);
  if (said['index'] !== checked.index) throw new Refused('receipt-of-another-ballot');
  return checked;
}

/** The file that a voter keeps: the receipt with the leaf hash of its ballot as `extra`. */
export function receiptFile(receipt: Uint8Array, leaf: Uint8Array): Uint8Array {
  const { index, hashes, checkpoint } = parse(receipt);
  const lines = [HEADER, `extra ${base64(leaf)}`, `index ${index}`, ...hashes.map(base64), '', ''];
  return new Uint8Array([...utf8(lines.join('\n')), ...checkpoint]);
}

/** That the ballot log, as it is served now, continues the one of a receipt, and so still has the ballot. Gives its
 * size. Throws CheckFailed: CHECKPOINT for a log that went back or is another one, NOTE or LOG for one that is not whole. */
export async function verifyContinued(checked: CheckedReceipt, source: Source, policy: Policy): Promise<number> {
  const data = await source.get('checkpoint', 'ballot', MAX_NOTE_BYTES);
  const opened = located('ballot/checkpoint', () => openWith(policy, 'ballot', data));
  const back = opened.size < checked.size;
  const reader = back ? null : await LogReader.open(source, 'ballot', opened);
  if (reader === null || !equal(await reader.rootAt(checked.size), checked.root)) {
    throw new CheckFailed('CHECKPOINT', 'the log does not continue the one that it gave the receipt for', 'ballot/checkpoint');
  }
  return opened.size;
}

/** What a search of the whole log came to: its size, its checkpoint as it was served, and the entry, or null. */
export interface Searched {
  readonly size: number;
  readonly checkpoint: Uint8Array;
  readonly found: CheckedReceipt | null;
}

/** Looks for a ballot in the whole ballot log as it is served now, by its leaf hash or the 20 bytes of its tracker.
 *
 * Whoever serves the log does not learn which ballot is meant, and cannot hide one: every hash leads to the root that
 * the log signed. Throws CheckFailed(NOTE or LOG). */
export async function searchLog(
  prefix: Uint8Array, source: Source, policy: Policy, progress?: (looked: number, of: number) => void,
): Promise<Searched> {
  const checkpoint = await source.get('checkpoint', 'ballot', MAX_NOTE_BYTES);
  const opened = located('ballot/checkpoint', () => openWith(policy, 'ballot', checkpoint));
  const reader = await LogReader.open(source, 'ballot', opened);
  const found = await reader.find(prefix, (looked) => progress?.(looked, opened.size));
  return { size: opened.size, checkpoint, found: found && checkedAt(opened, found.index, found.leaf, policy) };
}

function parse(data: Uint8Array): Receipt {
  const whole = strictText(data, MAX_RECEIPT_BYTES);
  const end = whole.indexOf('\n\n');
  const lines = whole.slice(0, Math.max(0, end)).split('\n');
  if (lines.shift() !== HEADER) throw malformed('receipt: not a tlog-proof of version 1');
  let extra: Uint8Array | null = null;
  if (lines[0]?.startsWith('extra ')) {
    extra = unbase64(lines.shift()!.slice('extra '.length));
    if (extra === null) throw malformed('receipt: its extra');
  }
  const place = lines.shift();
  if (!place?.startsWith('index ') || lines.length > MAX_HASHES) throw malformed('receipt: no index, or too many hashes');
  return { index: decimal(place.slice('index '.length)), hashes: lines.map(hash), checkpoint: utf8(whole.slice(end + 2)), extra };
}
