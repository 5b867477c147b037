/** The manifest and the offer. Source: docs/spec/manifest.md. What breaks a rule is CheckFailed with its id. */

import { hex } from './bytes.ts';
import type { Contest, Manifest, Offer } from './bodies.ts';
import { blocksNeeded } from './choice.ts';
import * as ed25519 from './ed25519.ts';
import { CheckFailed } from './errors.ts';
import { parseVkey } from './note.ts';
import type { Policy } from './policy.ts';
import { roleKeys } from './record.ts';

const ID = /^[a-z0-9-]{1,32}$/;
const MAX_WITNESS_KEYS = 3;

/** Every rule of the manifest: anchors, ids, keys, policy, blocks. */
export function checkManifest(manifest: Manifest, offer: Offer, policy: Policy): void {
  checkAnchors(manifest, policy);
  checkIds(manifest, offer);
  checkKeys(manifest);
  checkPolicy(manifest);
  for (const contest of offer.contests) {
    need(contest.blocks === blocksNeeded(contest), 'MANIFEST-BLOCKS', `contest ${contest.id}: its blocks`);
  }
}

function need(holds: boolean, check: string, detail: string): void {
  if (!holds) throw new CheckFailed(check, detail, 'tally/0');
}

function checkAnchors(manifest: Manifest, { file }: Policy): void {
  need(manifest.authority.sign === file.authority, 'MANIFEST-AUTHORITY', "the authority's key is not the policy's");
  const logs = [manifest.registry.log, manifest.ballot_box.log, manifest.tally.log];
  need(same(logs, [file.logs.registry, file.logs.ballot, file.logs.tally]), 'MANIFEST-LOGS', "a log's key is not the policy's");
  const { auditors } = manifest;
  const pinned = auditors.every(({ id, sign, witness }) => {
    const anchor = file.auditors.get(id);
    return anchor?.sign === sign && same(anchor.witness, witness);
  });
  const once = unique(auditors.map(({ id }) => id)) && auditors.length === file.auditors.size;
  need(pinned && once, 'MANIFEST-AUDITORS', "the auditors or their keys are not the policy's");
}

function checkIds(manifest: Manifest, offer: Offer): void {
  const known = offer.contests.map(({ id }) => id);
  needIds(offer.urns.map(({ id }) => id), 'urn');
  needIds(known, 'contest');
  for (const { id, contests } of offer.urns) {
    const exist = unique(contests) && contests.every((contest) => known.includes(contest));
    need(exist, 'MANIFEST-IDS', `urn ${id} names a contest twice or one that does not exist`);
  }
  offer.contests.forEach(checkContestIds);
  for (const [role, members] of Object.entries({
    trustee: manifest.trustees.members, mixer: manifest.mixers, auditor: manifest.auditors,
  })) {
    need(members.every(({ id }, i) => id === `${role}/${i + 1}`), 'MANIFEST-IDS', `the ids of the ${role}s`);
  }
}

function checkContestIds({ options, coalitions }: Contest): void {
  const ids = options.map(({ id }) => id);
  needIds([...ids, ...coalitions.map(({ id }) => id)], 'option or coalition');
  for (const { id, members } of coalitions) {
    const formed = members.length >= 2 && members.every((member) => ids.includes(member));
    need(formed, 'MANIFEST-IDS', `coalition ${id} needs two or more members, all options of its contest`);
  }
  need(unique(coalitions.flatMap(({ members }) => members)), 'MANIFEST-IDS', 'an option is twice in coalitions');
}

function needIds(ids: readonly string[], what: string): void {
  need(ids.every((id) => ID.test(id)) && unique(ids), 'MANIFEST-IDS', `a ${what} id is malformed or stands twice`);
}

function checkKeys(manifest: Manifest): void {
  const { authority, registry, ballot_box: box, tally, trustees, mixers, auditors } = manifest;
  let vkeys: string[];
  try {
    vkeys = [registry.log, box.log, tally.log, ...auditors.flatMap(({ witness }) => witness)].map((text) => hex(parseVkey(text).public));
  } catch {
    throw new CheckFailed('MANIFEST-KEYS', 'a key of a log or witness is not well-formed', 'tally/0');
  }
  const parties = [authority, registry, box, tally, ...trustees.members, ...mixers, ...auditors];
  const keys = [...parties.map(({ sign }) => sign), ...trustees.members.map((member) => member.box), ...vkeys];
  need(unique(keys), 'MANIFEST-KEYS', 'one key serves two roles');
  for (const key of roleKeys(manifest).values()) {
    need(ed25519.isPublicKey(key), 'ROLL-KEYS', "a role's key cannot be used");
  }
}

function checkPolicy({ policy, trustees, mixers, auditors }: Manifest): void {
  const enough =
    policy.mixers >= 2 && mixers.length >= policy.mixers && auditors.length >= 2 && policy.min_batch >= 2 &&
    trustees.threshold >= 2 && trustees.threshold <= trustees.members.length && policy.revote === 'forbidden' &&
    auditors.every(({ witness }) => witness.length >= 1 && witness.length <= MAX_WITNESS_KEYS);
  need(enough, 'MANIFEST-POLICY', 'mixers, auditors, trustees, threshold, minimum batch or re-voting');
}

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;
const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);
