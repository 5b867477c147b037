/** The rules of the manifest and of the offer. All of them name the authority. */

import { type Contest, type Offer, offerShape } from './bodies.js';
import { toHex } from './bytes.js';
import { type Election, failure, placeOf } from './election.js';
import { type CheckFailed, type CheckId } from './failure.js';
import { JsonError, readCanonical } from './json.js';
import { ED25519_WITNESS, LOG_KEY, ML_DSA_WITNESS, NoteError, parseVkey } from './note.js';

const OFFER_LIMIT = 16 << 20;
const ID = /^[a-z0-9-]{1,32}$/;
const BLOCK_BYTES = 30;

function fail(e: Election, check: CheckId, detail: string): CheckFailed {
  return failure(check, detail, e.first('manifest')!, 'authority');
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

const isUnique = (items: readonly string[]): boolean => new Set(items).size === items.length;

/** [CANONICAL] of the offer. */
export async function readOffer(e: Election): Promise<void> {
  const ref = e.manifest.offer;
  if (ref.size > OFFER_LIMIT) throw fail(e, 'CANONICAL', 'the offer is longer than 16 MiB');
  const bytes = await e.readBlob(ref, placeOf(e.first('manifest')!, 'authority'));
  try {
    const value = readCanonical(bytes);
    if (!offerShape(value)) throw new JsonError('not the fields of an offer');
    e.offer = value;
  } catch (error) {
    if (error instanceof JsonError) throw fail(e, 'CANONICAL', `the offer: ${error.message}`);
    throw error;
  }
}

export function manifestAuthority(e: Election): boolean {
  if (e.manifest.authority.sign !== e.policy.authority) throw fail(e, 'MANIFEST-AUTHORITY', 'another authority than the policy has');
  return true;
}

export function manifestLogs(e: Election): boolean {
  const { registry, ballot_box, tally } = e.manifest;
  for (const [name, { log }] of [['registry', registry], ['ballot', ballot_box], ['tally', tally]] as const) {
    if (log !== e.policy.logs[name].vkey) throw fail(e, 'MANIFEST-LOGS', `another key of the ${name} log than the policy has`);
  }
  return true;
}

export function manifestAuditors(e: Election): boolean {
  const { auditors } = e.manifest;
  const same = auditors.length === e.policy.auditors.length && e.policy.auditors.every((pinned) => {
    const listed = auditors.find(({ id }) => id === pinned.id);
    return listed !== undefined && listed.sign === pinned.sign && sameList(listed.witness, pinned.witness);
  });
  if (!same) throw fail(e, 'MANIFEST-AUDITORS', 'the auditors are not those of the policy');
  return true;
}

function contestIds(contest: Contest): string | null {
  const options = contest.options.map(({ id }) => id);
  const coalitions = contest.coalitions.map(({ id }) => id);
  if (![contest.id, ...options, ...coalitions].every((id) => ID.test(id))) return 'a malformed id';
  if (!isUnique([...options, ...coalitions])) return 'an option or coalition twice';
  const members = contest.coalitions.flatMap((coalition) => coalition.members);
  if (!members.every((id) => options.includes(id))) return 'a coalition with a member that is no option';
  if (contest.coalitions.some((coalition) => coalition.members.length < 2)) return 'a coalition of fewer than two';
  return isUnique(members) ? null : 'an option twice in coalitions';
}

function offerIds(offer: Offer): string | null {
  const [urns, contests] = [offer.urns.map(({ id }) => id), offer.contests.map(({ id }) => id)];
  if (!urns.every((id) => ID.test(id))) return 'a malformed urn id';
  if (!isUnique(urns) || !isUnique(contests)) return 'an urn or contest twice';
  const known = new Set(contests);
  for (const urn of offer.urns) {
    if (!isUnique(urn.contests) || !urn.contests.every((id) => known.has(id))) return `the contests of urn ${urn.id}`;
  }
  for (const contest of offer.contests) {
    const wrong = contestIds(contest);
    if (wrong !== null) return `contest ${contest.id}: ${wrong}`;
  }
  return null;
}

export function manifestIds(e: Election): boolean {
  const groups = { trustee: e.manifest.trustees.members, mixer: e.manifest.mixers, auditor: e.manifest.auditors };
  for (const [kind, members] of Object.entries(groups)) {
    if (!members.every(({ id }, i) => id === `${kind}/${i + 1}`)) throw fail(e, 'MANIFEST-IDS', `the ids of the ${kind}s`);
  }
  const wrong = offerIds(e.offer);
  if (wrong !== null) throw fail(e, 'MANIFEST-IDS', wrong);
  return true;
}

export function manifestKeys(e: Election): boolean {
  const { authority, registry, ballot_box, tally, trustees, mixers, auditors } = e.manifest;
  const vkeys: (readonly [string, readonly number[]])[] = [
    ...[registry, ballot_box, tally].map(({ log }) => [log, [LOG_KEY]] as const),
    ...auditors.flatMap(({ witness }) => witness.map((line) => [line, [ED25519_WITNESS, ML_DSA_WITNESS]] as const)),
  ];
  const keys = [
    authority.sign, registry.sign, ballot_box.sign, tally.sign,
    ...trustees.members.flatMap(({ sign, box }) => [sign, box]),
    ...mixers.map(({ sign }) => sign), ...auditors.map(({ sign }) => sign),
  ];
  try {
    keys.push(...vkeys.map(([line, types]) => toHex(parseVkey(line, types).key)));
  } catch (error) {
    if (error instanceof NoteError) throw fail(e, 'MANIFEST-KEYS', error.message);
    throw error;
  }
  if (!isUnique(keys)) throw fail(e, 'MANIFEST-KEYS', 'a public key stands twice');
  return true;
}

export function manifestPolicy(e: Election): boolean {
  const { policy, trustees, mixers, auditors } = e.manifest;
  const rules: [holds: boolean, detail: string][] = [
    [policy.mixers >= 2 && mixers.length >= policy.mixers, 'too few mixers'],
    [auditors.length >= 2, 'fewer than two auditors'],
    [auditors.every(({ witness }) => witness.length >= 1 && witness.length <= 3), 'not one to three witness keys'],
    [trustees.threshold >= 2 && trustees.threshold <= trustees.members.length, 'a threshold that is out of range'],
    [policy.min_batch >= 2, 'a minimum batch below two'],
    [policy.revote === 'forbidden', 'voting again is not forbidden'],
  ];
  for (const [holds, detail] of rules) if (!holds) throw fail(e, 'MANIFEST-POLICY', detail);
  return true;
}

/** The number of blocks that a contest needs: w of choice-encoding.md. */
export function blocksOf(contest: Contest): number {
  const longest = Math.max(1 + Math.ceil(contest.options.length / 8), 1 + contest.write_in_bytes);
  return Math.max(1, Math.ceil(longest / BLOCK_BYTES));
}

export function manifestBlocks(e: Election): boolean {
  for (const contest of e.offer.contests) {
    if (contest.blocks !== blocksOf(contest)) throw fail(e, 'MANIFEST-BLOCKS', `contest ${contest.id}`);
  }
  return true;
}
