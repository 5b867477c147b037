/** The policy file: whom a client trusts, by a way that does not pass through those whom it checks.
 *
 * Source: docs/spec/election-record.md.
 */

import { hex } from './bytes.ts';
import { CheckFailed, Refused } from './errors.ts';
import { hex32, list, mapOf, number, struct, text, type Read } from './fields.ts';
import { parseJson } from './json.ts';
import { openCheckpoint, parseVkey, type Checkpoint, type Vkey } from './note.ts';
import type { LogName } from './source.ts';

const MAX_POLICY_BYTES = 1 << 20;
const MIN_QUORUM = 2;

const policyFile = struct({
  logs: struct({ registry: text, ballot: text, tally: text }),
  auditors: mapOf(struct({ sign: hex32, witness: list(text) })),
  authority: hex32,
  quorum: number,
});

/** A policy with its keys parsed. `file` has them as the file spells them. */
export interface Policy {
  readonly file: Read<typeof policyFile>;
  readonly quorum: number;
  readonly logs: Readonly<Record<LogName, Vkey>>;
  readonly witnesses: ReadonlyMap<string, readonly Vkey[]>;
}

/** Throws Refused("policy-unusable"). */
export function parsePolicy(data: Uint8Array): Policy {
  try {
    const file = policyFile(parseJson(data, MAX_POLICY_BYTES));
    if (file.quorum < MIN_QUORUM || file.quorum > file.auditors.size) throw new CheckFailed('NOTE', 'the quorum');
    const logs = { registry: parseVkey(file.logs.registry), ballot: parseVkey(file.logs.ballot), tally: parseVkey(file.logs.tally) };
    const witnesses = new Map([...file.auditors].map(([auditor, { witness }]) => [auditor, witness.map(parseVkey)]));
    return { file, quorum: file.quorum, logs, witnesses };
  } catch (error) {
    if (error instanceof CheckFailed) throw new Refused('policy-unusable', { reason: error.detail });
    throw error;
  }
}

/** A checkpoint of one of the policy's logs, with the cosignatures of all its witnesses. Throws CheckFailed(NOTE). */
export function openWith(policy: Policy, log: LogName, data: Uint8Array): Checkpoint {
  const each = new Map([...policy.witnesses.values()].flat().map((key) => [`${key.type} ${hex(key.public)} ${key.name}`, key]));
  return openCheckpoint(data, policy.logs[log], [...each.values()]);
}
