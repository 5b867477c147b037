/** What a client verifies before it encrypts [CLIENT-SETUP], from the policy alone. Source: docs/spec/ballot.md.
 *
 * A tally checkpoint with a quorum of auditors; every record up to `setup`, with its signature; manifest, offer and key
 * generation by all their rules; the registry log that `setup` binds; and for each voter the credential's place on the
 * roll after all replacements.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, hex, utf8 } from './bytes.ts';
import { MAX_OFFER_BYTES, offer as offerForm, type Contest, type Manifest, type Offer } from './bodies.ts';
import { contestsOf } from './choice.ts';
import { CheckFailed, Refused, located } from './errors.ts';
import { withTables, type Element } from './group.ts';
import { canonical, parseCanonical } from './json.ts';
import { DKG_TYPES, KeyGeneration } from './keys.ts';
import { checkManifest } from './manifest.ts';
import type { Policy } from './policy.ts';
import type { LogReader } from './reader.ts';
import { checkSigner, isOf, parseRecord, roleKeys, typeOf, type Entry } from './record.ts';
import { CredentialRoll, openLog, readBlob } from './roll.ts';
import type { Source } from './source.ts';

const BEFORE_SETUP = new Set([...DKG_TYPES, 'drill', 'audit-plan', 'incident', 'integrity']);

/** An election whose setup was verified. Only `openElection` makes one. */
export class Election {
  readonly id: string;
  readonly name: { readonly es: string; readonly en: string };
  readonly timeline: { readonly opens: string; readonly closes: string };
  /** The origin of the ballot log. */
  readonly ballotLog: string;
  readonly jointKeyBytes: Uint8Array;
  readonly #confirmed = new Set<string>();

  constructor(
    manifest: Manifest,
    readonly policy: Policy,
    readonly offer: Offer,
    readonly context: Uint8Array,
    readonly jointKey: Element,
    private readonly roll: CredentialRoll,
    private readonly source: Source,
  ) {
    this.id = manifest.election_id;
    this.name = manifest.name;
    this.timeline = manifest.timeline;
    this.ballotLog = policy.logs.ballot.name;
    this.jointKeyBytes = jointKey.toBytes();
  }

  /** The contests of an urn, in order. Throws Refused("urn-unknown"). */
  contests(urn: string): Contest[] {
    return contestsOf(this.offer, urn);
  }

  /** Finds a public credential (hex) on the roll of an urn after all replacements; only then can a ballot be prepared
   * for it. Throws Refused("credential-not-on-roll"), CheckFailed. */
  async confirm(urn: string, credential: string): Promise<void> {
    if (!(await this.roll.has(this.source, urn, credential))) throw new Refused('credential-not-on-roll');
    this.#confirmed.add(`${urn} ${credential}`);
  }

  /** Whether `confirm` has found it. */
  isConfirmed(urn: string, credential: string): boolean {
    return this.#confirmed.has(`${urn} ${credential}`);
  }
}

/** The election of a policy, with everything verified that an encryption rests on, up to the voter's own credential
 * (`Election.confirm`).
 *
 * Throws CheckFailed where anything is wrong, Refused("no-setup") and Refused("not-cosigned-yet") where there is nothing
 * to rest on yet, and what the source throws. Then a client does not encrypt. */
export async function openElection(source: Source, policy: Policy): Promise<Election> {
  const { manifest, offer, keys, setup, generation } = await readTally(source, policy);
  const jointKey = generation.jointKey(setup.body, setup.where);
  if (setup.body.manifest_digest !== hex(digestOf(manifest))) {
    throw new CheckFailed('SETUP', "the manifest's digest is not the manifest's", setup.where);
  }
  const roll = await CredentialRoll.open(source, policy, setup.body, setup.where, offer, keys);
  const context = sha256(concat(utf8('VEMRE-1/setup'), canonical(setup.plain)));
  return new Election(manifest.body, policy, offer, context, withTables(jointKey), roll, source);
}

interface Begun {
  readonly manifest: Entry<'manifest'>;
  readonly offer: Offer;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly generation: KeyGeneration;
}

/** The tally log up to its setup, each record with its signature, in order. */
async function readTally(source: Source, policy: Policy): Promise<Begun & { readonly setup: Entry<'setup'> }> {
  const log = await openLog(source, 'tally', policy);
  let begun: Begun | null = null;
  for await (const [index, entry] of log.entries(0)) {
    const where = `tally/${index}`;
    const record = located(where, () => parseRecord(entry, where));
    if (begun === null) {
      begun = await begin(record, source, policy);
      continue;
    }
    checkSigner(record, 'tally', policy.logs.tally.name, begun.keys);
    if (isOf(record, 'setup')) {
      await checkRest(log, index + 1);
      return { ...begun, setup: record };
    }
    if (!BEFORE_SETUP.has(record.type)) throw new CheckFailed('ORDER', `${record.type} before the setup`, where);
    if (DKG_TYPES.has(record.type)) begun.generation.admit(record);
  }
  throw new Refused('no-setup');
}

/** That nothing after the setup would stand before it: a second manifest, key or setup. The rest is not a client's. */
async function checkRest(log: LogReader, start: number): Promise<void> {
  for await (const [index, entry] of log.entries(start)) {
    const type = located(`tally/${index}`, () => typeOf(entry));
    if (type === 'manifest' || type === 'setup' || DKG_TYPES.has(type)) {
      throw new CheckFailed('ORDER', `${type} after the setup`, `tally/${index}`);
    }
  }
}

/** The manifest, before any other record is looked at: the keys of all others are in it. */
async function begin(record: Entry, source: Source, policy: Policy): Promise<Begun> {
  if (!isOf(record, 'manifest')) throw new CheckFailed('ORDER', 'the log does not begin with a manifest', record.where);
  const keys = roleKeys(record.body);
  checkSigner(record, 'tally', policy.logs.tally.name, keys);
  const where = `blob/${record.body.offer.sha256}`;
  const data = await readBlob(source, record.body.offer, MAX_OFFER_BYTES);
  const offer = located(where, () => offerForm(parseCanonical(data, MAX_OFFER_BYTES)));
  checkManifest(record.body, offer, policy);
  return { manifest: record, offer, keys, generation: new KeyGeneration(record.body, digestOf(record)) };
}

const digestOf = (manifest: Entry): Uint8Array => sha256(canonical(manifest.plain));
