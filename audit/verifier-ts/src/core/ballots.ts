/** Ballots, blocks, the close, the marks, and the list to mix. */

import { fromHex, toHex } from './bytes.js';
import type { Verify } from './ed25519.js';
import { type Election, elementAt, failure, sameBlob, scalarAt } from './election.js';
import { type Equation, firstBroken } from './equations.js';
import { CheckFailed } from './failure.js';
import type { Element } from './group.js';
import type { Entry } from './record.js';
import { L } from './scalar.js';
import { Transcript } from './transcript.js';
import { type BallotsTask, inOrder, type Place, type SignaturesTask } from './work.js';

const BOX = 'ballot-box';
/** Ballots whose proofs are put together in one multiplication, and whose signatures are one task. */
const CHUNK = 500;

/** [BALLOT-CONTEXT] */
export function ballotContext(e: Election): boolean {
  const context = e.context();
  for (const ballot of e.all('ballot')) {
    if (context === null || ballot.body.context !== toHex(context)) throw failure('BALLOT-CONTEXT', 'another context', ballot, BOX);
  }
  return e.has('ballot');
}

/** [BALLOT-TIME] */
export function ballotTime(e: Election): boolean {
  const { opens, closes } = e.manifest.timeline;
  const [open, close] = [e.first('open'), e.first('close')];
  if (open !== undefined && open.body.time < opens) throw failure('BALLOT-TIME', 'opened before its time', open, 'authority');
  if (close !== undefined && close.body.time < closes) throw failure('BALLOT-TIME', 'closed before its time', close, BOX);
  return open !== undefined;
}

/** The credential that a record of the vote uses up, or null for other records. */
function credentialOf(entry: Entry): { urn: string; credential: string } | null {
  if (entry.type === 'ballot') return { urn: (entry as Entry<'ballot'>).body.urn, credential: entry.signer };
  return entry.type === 'block' ? (entry as Entry<'block'>).body : null;
}

/** [BALLOT-ELIGIBLE] */
export function ballotEligible(e: Election): boolean {
  for (const entry of e.logs.ballot) {
    const used = credentialOf(entry);
    if (used !== null && e.roll.get(used.urn)?.has(used.credential) !== true) {
      throw failure('BALLOT-ELIGIBLE', 'the credential is not on the roll of the urn', entry, BOX);
    }
  }
  return e.has('ballot') || e.has('block');
}

/** [BALLOT-ONCE] */
export function ballotOnce(e: Election): boolean {
  const used = new Set<string>();
  for (const entry of e.logs.ballot) {
    const credential = credentialOf(entry)?.credential;
    if (credential === undefined) continue;
    if (used.has(credential)) throw failure('BALLOT-ONCE', 'the credential is used up', entry, BOX);
    used.add(credential);
  }
  return used.size > 0;
}

/** [BALLOT-CONTESTS] */
export function ballotContests(e: Election): boolean {
  const urns = new Map(e.offer.urns.map((urn) => [urn.id, urn]));
  for (const ballot of e.all('ballot')) {
    const { contests } = ballot.body;
    const expected = urns.get(ballot.body.urn)!.contests;
    const complete = contests.length === expected.length && contests.every(({ contest, ciphertexts, pok }, i) => {
      const w = e.contests().get(contest)?.blocks;
      return contest === expected[i] && ciphertexts.length === w && pok.length === w;
    });
    if (!complete) throw failure('BALLOT-CONTESTS', 'not the contests of the urn, each with its blocks', ballot, BOX);
  }
  return e.has('ballot');
}

/** [BALLOT-FRESH] */
export function ballotFresh(e: Election): boolean {
  const seen = new Set<string>();
  for (const ballot of e.all('ballot')) {
    for (const { ciphertexts } of ballot.body.contests) {
      for (const element of ciphertexts.flatMap(({ a, b }) => [a, b])) {
        if (seen.has(element)) throw failure('BALLOT-FRESH', 'an element stands twice', ballot, BOX);
        seen.add(element);
      }
    }
  }
  return e.has('ballot');
}

const placeOf = (ballot: Entry): Place => ({ where: ballot.where, party: BOX });

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

/** @throws CheckFailed for the first signature that does not verify */
export async function checkSignatures({ items }: SignaturesTask, verify: Verify): Promise<void> {
  for (const { place, key, message, signature } of items) {
    if (!(await verify(key, message, signature))) {
      throw new CheckFailed('BALLOT-SIGNATURE', 'the signature does not verify', place.where, place.party);
    }
  }
}

/** [BALLOT-SIGNATURE] */
export async function ballotSignature(e: Election): Promise<boolean> {
  const ballots = e.all('ballot');
  let done = 0;
  function* tasks(): Generator<SignaturesTask> {
    for (const chunk of chunks(ballots)) {
      const items = chunk.map((ballot) => (
        { place: placeOf(ballot), key: fromHex(ballot.signer), message: ballot.signed(), signature: ballot.signature }
      ));
      yield { kind: 'signatures', items };
    }
  }
  await inOrder(e.host, tasks(), ({ items }) => e.host.progress('BALLOT-SIGNATURE', (done += items.length), ballots.length));
  return ballots.length > 0;
}

type Claim = BallotsTask['ballots'][number];

/** The equations s G - T - c a = identity of all blocks of one ballot. */
function proofEquations({ context, jointKey }: BallotsTask, claim: Claim): Equation<Place>[] {
  const { place, credential, body: { urn, contests } } = claim;
  const all = contests.flatMap(({ ciphertexts }) => ciphertexts.flatMap(({ a, b }) => [fromHex(a), fromHex(b)]));
  const elements = all.map((bytes, i) => elementAt(bytes, `element ${i}`, place));
  const shared = Transcript.start('ballot-pok', context)
    .text('urn', urn).item('credential', fromHex(credential)).item('Y', jointKey)
    .list('ciphertexts', all);
  const equations: Equation<Place>[] = [];
  for (const { contest, pok } of contests) {
    pok.forEach(({ commitment, response }, block) => {
      const a: Element = elements[2 * equations.length]!;
      const t = elementAt(fromHex(commitment), 'T', place);
      const s = scalarAt(fromHex(response), 'a response', place);
      const c = shared.fork().text('contest', contest).number('block', block).item('T', fromHex(commitment)).challenge('c');
      equations.push({ label: place, g: s, elements: [t, a], scalars: [-1n, L - c] });
    });
  }
  return equations;
}

/** @throws CheckFailed for the first ballot that breaks anything */
export function checkProofs(task: BallotsTask, random: (length: number) => Uint8Array): void {
  const equations: Equation<Place>[] = [];
  let malformed: CheckFailed | null = null;
  for (const claim of task.ballots) {
    try {
      equations.push(...proofEquations(task, claim));
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error;
      malformed = error;
      break;
    }
  }
  const broken = firstBroken(equations, random);
  if (broken !== null) throw new CheckFailed('BALLOT-POK', 'a proof does not verify', broken.label.where, broken.label.party);
  if (malformed !== null) throw malformed;
}

/** [BALLOT-POK]. The first ballot in the log that breaks anything is the one that is named. */
export async function ballotPok(e: Election): Promise<boolean> {
  const ballots = e.all('ballot');
  let done = 0;
  function* tasks(): Generator<BallotsTask> {
    for (const chunk of chunks(ballots)) {
      const claims = chunk.map((ballot) => ({ place: placeOf(ballot), credential: ballot.signer, body: ballot.body }));
      yield { kind: 'ballots', context: e.context()!, jointKey: e.jointKey().toBytes(), ballots: claims };
    }
  }
  await inOrder(e.host, tasks(), (task) => e.host.progress('BALLOT-POK', (done += task.ballots.length), ballots.length));
  return ballots.length > 0;
}

/** [CLOSE-COUNT] */
export function closeCount(e: Election): boolean {
  const close = e.first('close');
  if (close === undefined) return false;
  const { counts } = close.body;
  const right = counts.length === e.offer.urns.length &&
    e.offer.urns.every(({ id }, i) => counts[i]!.urn === id && counts[i]!.ballots === e.ballotsOf(id).length);
  if (!right) throw failure('CLOSE-COUNT', 'not the ballots of every urn', close, BOX);
  return true;
}

/** [RECONCILE] */
export function reconcile(e: Election): boolean {
  const marks = e.first('marks');
  if (marks === undefined) return false;
  const fail = (detail: string) => failure('RECONCILE', detail, marks, 'registry');
  const { counts, countries } = marks.body;
  const right = counts.length === e.offer.urns.length &&
    e.offer.urns.every(({ id }, i) => counts[i]!.urn === id && counts[i]!.count === e.ballotsOf(id).length);
  if (!right) throw fail('not the ballots of every urn');
  const codes = countries.map(({ country }) => country);
  const ranks = codes.map((code) => (code === 'other' ? '~' : code));
  if (!ranks.every((rank, i) => i === 0 || ranks[i - 1]! < rank)) throw fail('the countries are not in order');
  const total = countries.reduce((sum, { count }) => sum + BigInt(count), 0n);
  if (total !== BigInt(e.all('ballot').length)) throw fail('the countries do not add up to all ballots');
  return true;
}

/** [TALLY-INPUT] */
export function tallyInput(e: Election): boolean {
  const entry = e.first('tally-input');
  if (entry === undefined) return false;
  const { batches } = entry.body;
  const expected = e.batches();
  const right = batches.length === expected.length && expected.every(({ urn, contest, rows, inputRef }, i) => {
    const stated = batches[i]!;
    return stated.urn === urn.id && stated.contest === contest.id && stated.rows === rows.length && sameBlob(stated.input, inputRef);
  });
  if (!right) throw failure('TALLY-INPUT', 'not the ballots of the log', entry, 'tally');
  return true;
}

