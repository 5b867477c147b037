/** The practice election as `practice/make.py` writes it: a small whole election, whose keys are all public. */

import { sha256 } from '@noble/hashes/sha2.js';
import { hex, unbase64, unhex, utf8 } from '../../core/bytes.ts';
import type { LogName } from '../../core/source.ts';

/** What no log of a real election is called: nobody can own a name that ends so. */
const HOST = /^[a-z0-9.-]*\.invalid\//;

interface PracticeFile {
  readonly policy: string;
  readonly voter: { readonly urn: string; readonly credential: string };
  readonly logs: Readonly<Record<LogName, { readonly checkpoint: string; readonly entries: readonly string[] }>>;
  readonly blobs: readonly string[];
  readonly keys: { readonly ballot: string; readonly auditors: Readonly<Record<string, string>> };
}

export interface PracticeElection {
  /** The policy file, for whoever checks a practice receipt elsewhere. */
  readonly policy: Uint8Array;
  /** The one voter, whose credential anybody may use. */
  readonly voter: { readonly urn: string; readonly credential: string };
  readonly checkpoints: Readonly<Record<LogName, Uint8Array>>;
  readonly entries: Readonly<Record<LogName, readonly Uint8Array[]>>;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** The seed of the practice ballot log's key, and those of the practice auditors' witness keys by key name. */
  readonly logSeed: Uint8Array;
  readonly auditorSeeds: ReadonlyMap<string, Uint8Array>;
}

/** Reads the file. It is a part of the page, so it is not checked here; the page verifies the election in it. */
export function parsePractice(text: string): PracticeElection {
  const file = JSON.parse(text) as PracticeFile;
  const blobs = file.blobs.map((blob) => unbase64(blob)!);
  const of = <T>(read: (log: PracticeFile['logs'][LogName]) => T): Record<LogName, T> => ({
    registry: read(file.logs.registry), ballot: read(file.logs.ballot), tally: read(file.logs.tally),
  });
  for (const { checkpoint } of Object.values(file.logs)) {
    if (!HOST.test(checkpoint)) throw new RangeError('not a practice election');
  }
  return {
    policy: utf8(file.policy),
    voter: file.voter,
    checkpoints: of(({ checkpoint }) => utf8(checkpoint)),
    entries: of(({ entries }) => entries.map(utf8)),
    blobs: new Map(blobs.map((blob) => [hex(sha256(blob)), blob])),
    logSeed: unhex(file.keys.ballot),
    auditorSeeds: new Map(Object.entries(file.keys.auditors).map(([name, seed]) => [name, unhex(seed)])),
  };
}
