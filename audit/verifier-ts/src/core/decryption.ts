/** Decryption shares, and the elements that they leave. */

import { concat } from './bytes.js';
import { type Batch, type Election, elementsAt, failure, placeOf } from './election.js';
import { CheckFailed } from './failure.js';
import { decodeElement, sumOfMultiples } from './group.js';
import { decryptTranscript, equalityHolds } from './keys.js';
import { batchKey, currentCiphertexts } from './mixing.js';
import { roleNumber } from './record.js';
import { invert, reduce, scalarsFromSeed } from './scalar.js';
import { type DecryptionTask, inOrder, type OpeningTask } from './work.js';

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

/** Of a list of ciphertexts the elements a (`from` 0) or b (1), as one string of bytes. */
function everySecond(ciphertexts: Uint8Array, from: 0 | 1): Uint8Array {
  const half = new Uint8Array(ciphertexts.length / 2);
  for (let at = 0; at < half.length; at += 32) half.set(ciphertexts.subarray(2 * at + 32 * from, 2 * at + 32 * from + 32), at);
  return half;
}

/** @throws CheckFailed for a proof that does not verify, or a malformed value */
export function checkDecryption({ place, context, urn, contest, trustee, verificationKey, bases, shares, proof }: DecryptionTask): void {
  const elements = elementsAt(shares, 'share', place);
  const x = decodeElement(verificationKey)!;
  const transcript = decryptTranscript(context, urn, contest, trustee, x, split(bases), split(shares));
  const d = scalarsFromSeed(transcript.seed('d'), elements.length);
  const p = sumOfMultiples(elementsAt(bases, 'base', place), d);
  const q = sumOfMultiples(elements, d);
  if (!equalityHolds(proof, transcript, x, p, q, place)) {
    throw new CheckFailed('DECRYPT-PROOF', 'the proof does not verify', place.where, place.party);
  }
}

/** [DECRYPT-PROOF] */
export async function decryptProof(e: Election): Promise<boolean> {
  const records = e.all('decryption');
  async function* tasks(): AsyncGenerator<DecryptionTask> {
    for (const entry of records) {
      const fail = (detail: string) => failure('DECRYPT-PROOF', detail, entry);
      const { urn, contest, shares, proof } = entry.body;
      const batch = e.batch(urn, contest)!;
      const count = batch.contest.blocks * batch.rows.length;
      if (shares.size !== 32 * count) throw fail('another number of shares');
      if ((count === 0) !== (proof === null)) throw fail(proof === null ? 'no proof' : 'a proof without rows');
      if (proof === null) continue;
      const place = placeOf(entry);
      const trustee = roleNumber(entry.signer, 'trustee')!;
      yield {
        kind: 'decryption', place, context: e.context()!, urn, contest, trustee, proof,
        verificationKey: e.verificationKeys()[trustee - 1]!.toBytes(),
        bases: everySecond(currentCiphertexts(e, batch), 0), shares: await e.readBlob(shares, place),
      };
    }
  }
  let done = 0;
  await inOrder(e.host, tasks(), ({ urn, contest, trustee, shares }) => {
    const key = batchKey({ urn, contest });
    e.shares.set(key, (e.shares.get(key) ?? new Map<number, Uint8Array>()).set(trustee, shares));
    e.host.progress('DECRYPT-PROOF', (done += 1), records.length);
  });
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

/** Blocks that are opened in one task. */
const CHUNK = 2000;

/** The encodings of M = b - sum of lambda_k S_k: one after another, each of 32 bytes. */
export function open({ masked, shares, lambda }: OpeningTask): Uint8Array {
  const factors = lambda.map((factor) => reduce(-factor));
  const known = (bytes: Uint8Array) => decodeElement(bytes)!;
  const lists = shares.map(split);
  const opened = split(masked).map((b, i) => known(b).add(sumOfMultiples(lists.map((list) => known(list[i]!)), factors)).toBytes());
  return concat(...opened);
}

/** The encodings of the plaintext elements, block by block, of a batch that enough trustees decrypted. */
export async function plaintexts(e: Election, batch: Batch): Promise<Uint8Array[]> {
  if (batch.rows.length === 0) return [];
  const all = e.shares.get(batchKey({ urn: batch.urn.id, contest: batch.contest.id }))!;
  const set = [...all.keys()].sort((j, k) => j - k).slice(0, e.threshold);
  const [lambda, shares] = [lagrange(set), set.map((k) => all.get(k)!)];
  const masked = everySecond(currentCiphertexts(e, batch), 1);
  function* tasks(): Generator<OpeningTask> {
    for (let at = 0; at < masked.length; at += 32 * CHUNK) {
      const part = (bytes: Uint8Array) => bytes.slice(at, at + 32 * CHUNK);
      yield { kind: 'opening', masked: part(masked), shares: shares.map(part), lambda };
    }
  }
  const opened: Uint8Array[] = [];
  await inOrder(e.host, tasks(), (_, bytes) => opened.push(...split(bytes)));
  return opened;
}
