/** Opinions, certification, and what auditors had seen before each act. */

import { type Election, failure, leafHex } from './election.js';
import { type Batch } from './election.js';
import { needsDecision } from './decryption.js';
import { batchKey } from './mixing.js';
import type { Checkpoint } from './note.js';
import { cosigners } from './policy.js';
import { type Entry, isType } from './record.js';
import { lastBySigner } from './roll.js';

const covers = (checkpoint: Checkpoint | undefined, entry: Entry | undefined): boolean =>
  entry === undefined || checkpoint!.size > BigInt(entry.position);

/** [OPINION] */
export async function opinions(e: Election): Promise<boolean> {
  for (const opinion of e.all('opinion')) {
    const { registry, ballot, tally } = await e.checkpoints(opinion);
    const seen = covers(registry, e.first('marks')) && covers(ballot, e.first('close')) && covers(tally, e.first('result'));
    if (!seen) throw failure('OPINION', 'does not cover marks, close and result', opinion);
  }
  return e.has('opinion');
}

/** [CERTIFY-TWO] */
export function certifyTwo(e: Election): boolean {
  const certification = e.first('certification');
  if (certification === undefined) return false;
  const fail = (detail: string) => failure('CERTIFY-TWO', detail, certification, 'authority');
  const { result, opinions: named } = certification.body;
  if (result !== leafHex(e.first('result')!)) throw fail('another result');
  const last = [...lastBySigner(e, 'opinion', BigInt(certification.position)).values()];
  if (new Set(named).size !== named.length) throw fail('an opinion is named twice');
  for (const leaf of named) {
    const opinion = last.find((entry) => leafHex(entry) === leaf);
    if (opinion === undefined) throw fail(`${leaf} is nobody's last opinion`);
    if (opinion.body.verdict !== 'favourable') throw fail(`the opinion of ${opinion.signer} is not favourable`);
  }
  if (named.length < e.policy.quorum) throw fail(`${named.length} opinions of ${e.policy.quorum}`);
  const against = last.find(({ body }) => body.verdict === 'unfavourable');
  if (against !== undefined) throw fail(`the last opinion of ${against.signer} is unfavourable`);
  return true;
}

/** The shuffles of a record's batch that stand before it. */
function shufflesBefore(e: Election, record: Entry<'shuffle'> | Entry<'decryption'>): Entry<'shuffle'>[] {
  const key = batchKey(record.body);
  return e.all('shuffle').filter((entry) => entry.position < record.position && batchKey(entry.body) === key);
}

/** What each checkpoint field of a record must cover. */
function foundations(e: Election, entry: Entry): Record<string, (Entry | undefined)[]> {
  if (isType(entry, 'setup')) return { registry: [e.first('roll'), ...e.all('roll-replace')] };
  if (isType(entry, 'open')) {
    const named = e.all('system-opinion').filter((opinion) => entry.body.opinions.includes(leafHex(opinion)));
    const firsts = new Map(named.map((opinion) => [leafHex(opinion), opinion] as const).reverse());
    return { tally: [e.first('setup'), ...firsts.values()] };
  }
  if (isType(entry, 'marks')) return { ballot: [e.first('close')] };
  if (isType(entry, 'tally-input')) return { ballot: [e.first('close')], registry: [e.first('marks')] };
  if (isType(entry, 'shuffle')) return { gate: [shufflesBefore(e, entry).at(-1) ?? e.first('tally-input')] };
  if (isType(entry, 'decryption')) {
    const decision = needsDecision(e, entry.body.rows)
      ? e.all('small-batch-decision').find(({ body }) => batchKey(body) === batchKey(entry.body)) : undefined;
    return { gate: [shufflesBefore(e, entry).at(-1) ?? e.first('tally-input'), decision] };
  }
  if (isType(entry, 'result')) return { gate: [...e.all('result-batch'), ...e.all('decryption')] };
  if (isType(entry, 'opinion')) return { registry: [e.first('marks')], ballot: [e.first('close')], tally: [e.first('result')] };
  if (isType(entry, 'certification')) {
    return { gate: lastNamed(e, entry) };
  }
  return {};
}

function lastNamed(e: Election, certification: Entry<'certification'>): Entry[] {
  const last = lastBySigner(e, 'opinion', BigInt(certification.position));
  return [...last.values()].filter((opinion) => certification.body.opinions.includes(leafHex(opinion)));
}

function checkDecryptions(e: Election, result: Entry<'result'>, { size }: Checkpoint): void {
  const missing = e.batches().find((batch: Batch) => {
    const key = batchKey({ urn: batch.urn.id, contest: batch.contest.id });
    const seen = e.all('decryption').filter(({ body, position }) => batchKey(body) === key && BigInt(position) < size);
    return batch.rows.length > 0 && seen.length < e.threshold;
  });
  if (missing !== undefined) throw failure('GATE', `too few decryptions of ${missing.urn.id}/${missing.contest.id}`, result, 'tally');
}

/** [GATE]: quorum and coverage of every checkpoint inside a record. */
export async function gates(e: Election): Promise<boolean> {
  let applied = false;
  for (const entry of e.entries()) {
    const needed = foundations(e, entry);
    const checkpoints = await e.checkpoints(entry);
    for (const [field, checkpoint] of Object.entries(checkpoints)) {
      applied = true;
      const count = cosigners(e.policy, checkpoint);
      if (count < e.policy.quorum) throw failure('GATE', `${field}: cosigned by ${count} auditors of ${e.policy.quorum}`, entry);
      if (!needed[field]!.every((foundation) => covers(checkpoint, foundation))) {
        throw failure('GATE', `${field}: does not cover what the act rests on`, entry);
      }
    }
    if (isType(entry, 'result')) checkDecryptions(e, entry, checkpoints.gate!);
  }
  return applied;
}
