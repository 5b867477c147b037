/** Finding a ballot and judging its receipt: what was established, and what contradicts what. No page, no words.
 *
 * Whoever serves the log is believed in nothing: that a ballot is there follows from the signed root, and so does that
 * it is not there. Source: docs/spec/receipts.md. */

import { CheckFailed, Refused } from '../../core/errors.ts';
import {
  hex, receiptFile, searchLog, verifyContinued, verifyReceipt, verifyReceiptFile, type CheckedReceipt, type Policy, type Searched, type Source,
} from '../../core/index.ts';

/** What is known of the ballot that is looked for: its leaf hash, or the 20 bytes of its tracker. */
export type Wanted = { readonly kind: 'leaf' | 'tracker'; readonly bytes: Uint8Array };

export type Outcome =
  /** It is in the log as it is served now, which has `now` entries. `receipt` is the file to keep, where one was had. */
  | { readonly kind: 'found'; readonly checked: CheckedReceipt; readonly receipt: Uint8Array | null; readonly now: number }
  /** No entry of the whole log is it. */
  | { readonly kind: 'absent'; readonly wanted: Wanted; readonly searched: Searched }
  /** The log signed the receipt, and does not continue it now: `later` is what it serves. */
  | { readonly kind: 'contradicted'; readonly checked: CheckedReceipt; readonly receipt: Uint8Array; readonly later: Uint8Array }
  /** The file is no receipt of this election. */
  | { readonly kind: 'not-a-receipt'; readonly file: Uint8Array }
  /** What was served as the log cannot be verified. */
  | { readonly kind: 'unverifiable'; readonly failure: CheckFailed; readonly receipt: Uint8Array | null };

/** What a check needs of its surroundings. */
export interface Archive {
  readonly policy: Policy;
  readonly source: Source;
  /** The best receipt that the ballot box has of a leaf hash (hex), null where it says that there is none. */
  receipt(leaf: string): Promise<Uint8Array | null>;
  /** Told how many entries of how many were looked through. */
  searching?(looked: number, of: number): void;
}

/** From the file of a receipt. Throws what a network that fails throws. */
export function checkFile(file: Uint8Array, archive: Archive): Promise<Outcome> {
  let checked: CheckedReceipt;
  try {
    checked = verifyReceiptFile(file, archive.policy);
  } catch (error) {
    if (error instanceof CheckFailed || error instanceof Refused) return Promise.resolve({ kind: 'not-a-receipt', file });
    throw error;
  }
  return continued(checked, file, archive);
}

/** From what a link or a voter says. */
export async function check(wanted: Wanted, archive: Archive): Promise<Outcome> {
  if (wanted.kind === 'tracker') return search(wanted, archive);
  const data = await archive.receipt(hex(wanted.bytes));
  // That there is no receipt is the ballot box's word; the log itself is asked.
  if (data === null) return search(wanted, archive);
  try {
    const checked = verifyReceipt(data, wanted.bytes, archive.policy);
    return await continued(checked, receiptFile(data, wanted.bytes), archive);
  } catch (error) {
    if (error instanceof CheckFailed) return { kind: 'unverifiable', failure: error, receipt: null };
    throw error;
  }
}

async function search(wanted: Wanted, archive: Archive): Promise<Outcome> {
  try {
    const searched = await searchLog(wanted.bytes, archive.source, archive.policy, archive.searching?.bind(archive));
    return searched.found === null ? { kind: 'absent', wanted, searched } : await continued(searched.found, null, archive);
  } catch (error) {
    if (error instanceof CheckFailed) return { kind: 'unverifiable', failure: error, receipt: null };
    throw error;
  }
}

/** That the log still has it, and the receipt with the most auditors. */
async function continued(own: CheckedReceipt, receipt: Uint8Array | null, archive: Archive): Promise<Outcome> {
  const served = remembering(archive.source);
  let [checked, file] = [own, receipt];
  try {
    const now = await verifyContinued(checked, served.source, archive.policy);
    const newer = file !== null && checked.quorumReached ? null : await better(checked, file, archive);
    if (newer !== null) {
      [checked, file] = newer;
      await verifyContinued(checked, served.source, archive.policy);
    }
    return { kind: 'found', checked, receipt: file, now };
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    if (error.check === 'CHECKPOINT' && file !== null && served.checkpoint() !== null) {
      return { kind: 'contradicted', checked, receipt: file, later: served.checkpoint()! };
    }
    return { kind: 'unverifiable', failure: error, receipt: file };
  }
}

/** What the ballot box gives by now, if that says more of the same ballot; what does not verify changes nothing. */
async function better(own: CheckedReceipt, receipt: Uint8Array | null, archive: Archive): Promise<[CheckedReceipt, Uint8Array] | null> {
  const data = await archive.receipt(hex(own.leaf));
  if (data === null) return null;
  try {
    const found = verifyReceipt(data, own.leaf, archive.policy);
    const more = receipt === null || found.auditors.length > own.auditors.length;
    return more && found.index === own.index ? [found, receiptFile(data, own.leaf)] : null;
  } catch (error) {
    if (error instanceof CheckFailed) return null;
    throw error;
  }
}

/** A source, and the checkpoint that it gave last: evidence is what was looked at, not what is served afterwards. */
function remembering(source: Source): { readonly source: Source; checkpoint(): Uint8Array | null } {
  let last: Uint8Array | null = null;
  return {
    checkpoint: () => last,
    source: {
      async get(path, log, limit) {
        const data = await source.get(path, log, limit);
        if (path === 'checkpoint') last = data;
        return data;
      },
    },
  };
}
