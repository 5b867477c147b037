/** The policy file: the only keys that a verifier believes without a signature over them. */

import { equal, fromUtf8 } from './bytes.js';
import { Undecided } from './failure.js';
import { JsonError, parseJson, type Json } from './json.js';
import { type Checkpoint, ED25519_WITNESS, LOG_KEY, ML_DSA_WITNESS, NoteError, type NoteKey, parseVkey } from './note.js';

export const LOGS = ['registry', 'ballot', 'tally'] as const;
export type LogName = (typeof LOGS)[number];

export const POLICY_LIMIT = 1 << 20;
/** The law wants two auditors. */
const LEAST_QUORUM = 2;

export interface PolicyAuditor {
  readonly id: string;
  readonly sign: string;
  readonly witness: readonly string[];
  readonly keys: readonly NoteKey[];
}

export interface Policy {
  readonly logs: Readonly<Record<LogName, { readonly vkey: string; readonly key: NoteKey }>>;
  readonly auditors: readonly PolicyAuditor[];
  readonly authority: string;
  readonly quorum: number;
}

function fields(value: Json | undefined, names: readonly string[], what: string): Record<string, Json> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const found = isObject ? Object.keys(value) : [];
  if (!isObject || found.length !== names.length || !names.every((name) => found.includes(name))) {
    throw new Undecided(`policy: ${what} does not have exactly the fields ${names.join(', ')}`);
  }
  return value;
}

function hex32(value: Json | undefined, what: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new Undecided(`policy: ${what} is not 64 hex digits`);
  return value;
}

function vkey(value: Json | undefined, types: readonly number[], what: string): NoteKey {
  try {
    if (typeof value !== 'string') throw new NoteError('not a text');
    return parseVkey(value, types);
  } catch (error) {
    if (error instanceof NoteError) throw new Undecided(`policy: ${what}: ${error.message}`);
    throw error;
  }
}

function auditor(id: string, value: Json): PolicyAuditor {
  if (!/^auditor\/[1-9][0-9]*$/.test(id)) throw new Undecided(`policy: ${id} is not the id of an auditor`);
  const { sign, witness } = fields(value, ['sign', 'witness'], id);
  if (!Array.isArray(witness)) throw new Undecided(`policy: the witnesses of ${id} are not a list`);
  const keys = witness.map((line) => vkey(line, [ED25519_WITNESS, ML_DSA_WITNESS], `a witness of ${id}`));
  return { id, sign: hex32(sign, `the key of ${id}`), witness: witness as string[], keys };
}

/** @throws Undecided for bytes that are not a usable policy */
export function parsePolicy(bytes: Uint8Array): Policy {
  const text = bytes.length <= POLICY_LIMIT ? fromUtf8(bytes) : null;
  if (text === null) throw new Undecided('policy: longer than 1 MiB, or not UTF-8');
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) throw new Undecided(`policy: ${error.message}`);
    throw error;
  }
  const whole = fields(value, ['logs', 'auditors', 'authority', 'quorum'], 'the file');
  const lines = fields(whole.logs, LOGS, 'logs');
  const log = (name: LogName) => ({ vkey: lines[name] as string, key: vkey(lines[name], [LOG_KEY], `log ${name}`) });
  const listed = whole.auditors;
  if (typeof listed !== 'object' || listed === null || Array.isArray(listed)) {
    throw new Undecided('policy: auditors is not an object');
  }
  const auditors = Object.entries(listed).map(([id, entry]) => auditor(id, entry));
  const quorum = whole.quorum;
  if (typeof quorum !== 'number' || quorum < LEAST_QUORUM || quorum > auditors.length) {
    throw new Undecided('policy: quorum is not a number from 2 to the number of auditors');
  }
  return {
    logs: { registry: log('registry'), ballot: log('ballot'), tally: log('tally') },
    auditors,
    authority: hex32(whole.authority, 'authority'),
    quorum,
  };
}

/** The witness keys of all auditors, in the policy's order. */
export function witnessKeys(policy: Policy): NoteKey[] {
  return policy.auditors.flatMap((entry) => entry.keys);
}

/** How many distinct auditors cosigned. A key that two auditors list counts for the first of them. */
export function cosigners(policy: Policy, checkpoint: Checkpoint): number {
  const isLogKey = (key: NoteKey) => LOGS.some((log) => equal(policy.logs[log].key.key, key.key));
  const counted: NoteKey[] = [];
  let auditors = 0;
  for (const { keys } of policy.auditors) {
    const own = keys.filter((key) => !counted.some((other) => equal(other.key, key.key)) && !isLogKey(key));
    counted.push(...own);
    if (own.some((key) => checkpoint.witnesses.some((cosigned) => cosigned === key))) auditors += 1;
  }
  return auditors;
}
