/** The roll, setup, the opinions on the system, and the fields that tie later records to setup. */

import { compare, fromHex, toHex } from './bytes.js';
import { isUsableKey } from './ed25519.js';
import { type Election, failure, leafHex, placeOf } from './election.js';
import { CheckFailed } from './failure.js';
import { keysOf } from './keys.js';
import { type Entry, isType } from './record.js';
import { roleKeys } from './structure.js';

const sameUrns = (e: Election, urns: readonly { urn: string }[]): boolean =>
  urns.length === e.offer.urns.length && urns.every(({ urn }, i) => urn === e.offer.urns[i]!.id);

/** [ROLL-URNS] */
export function rollUrns(e: Election): boolean {
  const [roll, setup] = [e.first('roll'), e.first('setup')];
  if (roll !== undefined && !sameUrns(e, roll.body.urns)) throw failure('ROLL-URNS', 'not the urns of the offer', roll);
  if (setup !== undefined && !sameUrns(e, setup.body.lnere)) {
    throw failure('ROLL-URNS', 'lnere: not the urns of the offer', setup, 'authority');
  }
  return roll !== undefined || setup !== undefined;
}

/** The credentials of a roll's blobs, urn by urn, as they stand there. */
async function readRoll(e: Election, roll: Entry<'roll'>): Promise<Uint8Array[][]> {
  const urns: Uint8Array[][] = [];
  for (const { credentials } of roll.body.urns) {
    const bytes = await e.readBlob(credentials, placeOf(roll));
    const keys: Uint8Array[] = [];
    // What is left over at the end of a blob is no key: ROLL-KEYS refuses it.
    for (let at = 0; at < bytes.length; at += 32) keys.push(bytes.subarray(at, at + 32));
    urns.push(keys);
  }
  return urns;
}

/** [ROLL-KEYS] of the role keys and of all credentials. */
export async function rollKeys(e: Election): Promise<boolean> {
  const manifest = e.first('manifest')!;
  for (const [role, key] of roleKeys(e)) {
    if (!isUsableKey(key)) throw failure('ROLL-KEYS', `the key of ${role} is of no use`, manifest, role);
  }
  const roll = e.first('roll');
  if (roll !== undefined) {
    const urns = await readRoll(e, roll);
    const total = urns.reduce((sum, keys) => sum + keys.length, 0);
    let done = 0;
    urns.forEach((keys, u) => {
      for (const key of keys) {
        if (!isUsableKey(key)) throw atUrn(roll, u, 'ROLL-KEYS', `${toHex(key)} is of no use`);
        done += 1;
        if (done % 1000 === 0) e.host.progress('ROLL-KEYS', done, total);
      }
    });
  }
  for (const replace of e.all('roll-replace')) {
    if (!isUsableKey(fromHex(replace.body.new))) throw failure('ROLL-KEYS', 'the new key is of no use', replace);
  }
  return true;
}

function atUrn(roll: Entry<'roll'>, urn: number, check: 'ROLL-KEYS' | 'ROLL-UNIQUE' | 'ROLL-COUNT', detail: string): CheckFailed {
  return new CheckFailed(check, detail, `${roll.where}, urn ${roll.body.urns[urn]!.urn}`, 'registry');
}

/** [ROLL-UNIQUE], which leaves the roll after all replacements. */
export async function rollUnique(e: Election): Promise<boolean> {
  const roll = e.first('roll');
  if (roll === undefined) return false;
  const ever = new Set<string>();
  (await readRoll(e, roll)).forEach((keys, u) => {
    const urn = new Set<string>();
    keys.forEach((key, i) => {
      if (i > 0 && compare(keys[i - 1]!, key) >= 0) throw atUrn(roll, u, 'ROLL-UNIQUE', `credential ${i} is not above the one before`);
      const hex = toHex(key);
      if (ever.has(hex)) throw atUrn(roll, u, 'ROLL-UNIQUE', `credential ${hex} is on two urns`);
      ever.add(hex);
      urn.add(hex);
    });
    e.roll.set(roll.body.urns[u]!.urn, urn);
  });
  for (const entry of e.all('roll-replace')) {
    const urn = e.roll.get(entry.body.urn);
    if (urn === undefined || !urn.delete(entry.body.old)) throw failure('ROLL-UNIQUE', 'replaces what is not there', entry);
    if (ever.has(entry.body.new)) throw failure('ROLL-UNIQUE', 'brings back a credential', entry);
    ever.add(entry.body.new);
    urn.add(entry.body.new);
  }
  return true;
}

/** [ROLL-COUNT] */
export function rollCount(e: Election): boolean {
  const [roll, setup] = [e.first('roll'), e.first('setup')];
  if (roll === undefined) return false;
  roll.body.urns.forEach(({ count, credentials }, u) => {
    if (credentials.size !== 32 * count) throw atUrn(roll, u, 'ROLL-COUNT', 'not the number of credentials in the blob');
  });
  roll.body.urns.forEach(({ count, urn }, u) => {
    const stated = setup?.body.lnere[u]?.count ?? count;
    if (stated !== count) throw atUrn(roll, u, 'ROLL-COUNT', `the authority states ${stated} for ${urn}`);
  });
  return true;
}

/** [ROLL-FROZEN] */
export async function rollFrozen(e: Election): Promise<boolean> {
  const setup = e.first('setup');
  if (setup === undefined) return false;
  const { size } = (await e.checkpoints(setup)).registry!;
  const late = e.all('roll-replace').find(({ position }) => BigInt(position) >= size);
  if (late !== undefined) throw failure('ROLL-FROZEN', 'a replacement after the checkpoint of setup', late);
  return true;
}

/** [SETUP], with [IDENTITY] of the keys. */
export function setup(e: Election): boolean {
  const entry = e.first('setup');
  if (entry === undefined) return false;
  const { manifest_digest, attempt, joint_key, verification_keys, roll } = entry.body;
  const fail = (what: string) => failure('SETUP', what, entry, 'authority');
  if (manifest_digest !== toHex(e.manifestDigest())) throw fail('another manifest');
  const keys = keysOf(e, attempt, entry);
  if (joint_key !== keys.joint.toHex()) throw fail('another joint key');
  const same = verification_keys.length === keys.verification.length && keys.verification.every((key, i) => key.toHex() === verification_keys[i]);
  if (!same) throw fail('other verification keys');
  if (roll !== leafHex(e.first('roll')!)) throw fail('another roll');
  const open = e.first('open');
  if (open !== undefined && open.body.setup !== leafHex(entry)) throw failure('SETUP', 'opened for another setup', open, 'authority');
  return true;
}

/** The last record of a type by each signer, among those below a position of its log. */
export function lastBySigner<T extends 'system-opinion' | 'opinion'>(e: Election, type: T, below: bigint): Map<string, Entry<T>> {
  const last = new Map<string, Entry<T>>();
  for (const entry of e.all(type)) if (BigInt(entry.position) < below) last.set(entry.signer, entry);
  return last;
}

/** [SYSTEM-TWO] */
export async function systemTwo(e: Election): Promise<boolean> {
  const open = e.first('open');
  if (open === undefined) return false;
  const { release } = e.first('setup')!.body;
  const fail = (detail: string) => failure('SYSTEM-TWO', detail, open, 'authority');
  const { size } = (await e.checkpoints(open)).tally!;
  const last = [...lastBySigner(e, 'system-opinion', size).values()];
  const auditors = new Set<string>();
  for (const leaf of open.body.opinions) {
    const opinion = last.find((entry) => leafHex(entry) === leaf);
    if (opinion === undefined) throw fail(`${leaf} is nobody's last system opinion within the checkpoint`);
    if (opinion.body.verdict !== 'favourable') throw fail(`the opinion of ${opinion.signer} is not favourable`);
    if (opinion.body.release !== release) throw fail(`${opinion.signer} judged another release`);
    if (auditors.has(opinion.signer)) throw fail(`${opinion.signer} is named twice`);
    auditors.add(opinion.signer);
  }
  if (auditors.size < e.policy.quorum) throw fail(`${auditors.size} opinions of ${e.policy.quorum}`);
  return true;
}

/** [CONTEXT] of every record but ballots. */
export function contexts(e: Election): boolean {
  const context = e.context();
  let applied = false;
  for (const entry of e.entries()) {
    if (entry.type === 'ballot' || !('context' in entry.body)) continue;
    applied = true;
    if (context === null || entry.body.context !== toHex(context)) throw failure('CONTEXT', 'another context', entry);
  }
  return applied;
}

type WithRows = { urn: string; contest: string; rows: number };

/** [ROWS] */
export function rows(e: Election): boolean {
  let applied = false;
  for (const entry of e.logs.tally) {
    const stated: readonly WithRows[] = isType(entry, 'tally-input') ? entry.body.batches
      : 'rows' in entry.body ? [entry.body as WithRows] : [];
    for (const { urn, contest, rows: count } of stated) {
      applied = true;
      const known = e.offer.urns.find(({ id }) => id === urn);
      if (!known?.contests.includes(contest)) throw failure('ROWS', `no batch ${urn}, ${contest}`, entry);
      // What the ballot box itself counts passes too: CLOSE-COUNT then names it, and not whoever relied on it.
      const closed = e.first('close')?.body.counts.find((item) => item.urn === urn)?.ballots;
      if (count !== e.ballotsOf(urn).length && count !== closed) {
        throw failure('ROWS', `${count} rows of ${urn}`, entry);
      }
    }
  }
  return applied;
}

