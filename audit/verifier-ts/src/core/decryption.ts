/** Decryption shares, and the elements that they leave. */

import { type Batch, type Election, elementsAt, failure, placeOf } from './election.js';
import { type Element, sumOfMultiples } from './group.js';
import { decryptTranscript, equalityHolds } from './keys.js';
import { batchKey, currentCiphertexts } from './mixing.js';
import { type Entry, roleNumber } from './record.js';
import { invert, reduce, scalarsFromSeed } from './scalar.js';

/** Whether a batch is so small that the authority must decide. */
export const needsDecision = (e: Election, rows: number): boolean => rows >= 1 && rows < e.manifest.policy.min_batch;

/** [MIN-BATCH] */
export function minBatch(e: Election): boolean {
  for (const entry of e.all('small-batch-decision')) {
    if (entry.body.decision !== 'decrypt') throw failure('MIN-BATCH', 'there is no such decision', entry, 'authority');
  }
  for (const entry of e.all('decryption')) {
    if (!needsDecision(e, entry.body.rows)) continue;
    const decided = e.all('small-batch-decision').some(({ body }) => batchKey(body) === batchKey(entry.body));
    if (!decided) throw failure('MIN-BATCH', 'a small batch without a decision', entry);
  }
  return e.has('small-batch-decision') || e.has('decryption');
}

/** [DECRYPT-ONCE] */
export function decryptOnce(e: Election): boolean {
  const done = new Set<string>();
  for (const entry of e.all('decryption')) {
    const key = `${entry.signer} ${batchKey(entry.body)}`;
    if (done.has(key)) throw failure('DECRYPT-ONCE', 'the trustee has decrypted this batch before', entry);
    done.add(key);
  }
  return done.size > 0;
}

const split = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));

const everySecond = <T>(items: readonly T[], from: number): T[] => items.filter((_, i) => i % 2 === from);

async function decryption(e: Election, entry: Entry<'decryption'>): Promise<void> {
  const fail = (detail: string) => failure('DECRYPT-PROOF', detail, entry);
  const { urn, contest, shares, proof } = entry.body;
  const batch = e.batch(urn, contest)!;
  const count = batch.contest.blocks * batch.rows.length;
  if (shares.size !== 32 * count) throw fail('another number of shares');
  if ((count === 0) !== (proof === null)) throw fail(proof === null ? 'no proof' : 'a proof without rows');
  if (proof === null) return;
  const bytes = await e.readBlob(shares, placeOf(entry));
  const elements = elementsAt(bytes, 'share', placeOf(entry));
  const input = currentCiphertexts(e, batch);
  const k = roleNumber(entry.signer, 'trustee')!;
  const x = e.verificationKeys()[k - 1]!;
  const transcript = decryptTranscript(e.context()!, urn, contest, k, x, everySecond(split(input.bytes), 0), split(bytes));
  const d = scalarsFromSeed(transcript.seed('d'), count);
  const p = sumOfMultiples(everySecond(input.elements, 0), d);
  const q = sumOfMultiples(elements, d);
  if (!equalityHolds(proof, transcript, x, p, q, placeOf(entry))) throw fail('the proof does not verify');
  const batchShares = e.shares.get(batchKey(entry.body)) ?? new Map<number, readonly Element[]>();
  e.shares.set(batchKey(entry.body), batchShares.set(k, elements));
}

/** [DECRYPT-PROOF] */
export async function decryptProof(e: Election): Promise<boolean> {
  const records = e.all('decryption');
  for (const [done, entry] of records.entries()) {
    e.host.progress('DECRYPT-PROOF', done, records.length);
    await decryption(e, entry);
  }
  return records.length > 0;
}

/** [DECRYPT-QUORUM] */
export function decryptQuorum(e: Election): boolean {
  for (const entry of e.all('result-batch')) {
    const trustees = e.shares.get(batchKey(entry.body))?.size ?? 0;
    if (entry.body.rows > 0 && trustees < e.threshold) {
      throw failure('DECRYPT-QUORUM', `${trustees} trustees of ${e.threshold}`, entry, 'tally');
    }
  }
  return e.has('result-batch');
}

/** The Lagrange coefficients at zero of the trustees in the set. */
export function lagrange(set: readonly number[]): bigint[] {
  return set.map((k) => {
    let [above, below] = [1n, 1n];
    for (const j of set) {
      if (j === k) continue;
      above *= BigInt(j);
      below *= BigInt(j - k);
    }
    return above % below === 0n ? reduce(above / below) : reduce(above * invert(below));
  });
}

/** The elements M = b - sum of lambda_k S_k, block by block, of a batch that enough trustees decrypted. */
export function plaintexts(e: Election, batch: Batch): Element[] {
  if (batch.rows.length === 0) return [];
  const shares = e.shares.get(batchKey({ urn: batch.urn.id, contest: batch.contest.id }))!;
  const set = [...shares.keys()].sort((j, k) => j - k).slice(0, e.threshold);
  const lambda = lagrange(set).map((factor) => reduce(-factor));
  const b = everySecond(currentCiphertexts(e, batch).elements, 1);
  return b.map((element, i) => element.add(sumOfMultiples(set.map((k) => shares.get(k)![i]!), lambda)));
}

