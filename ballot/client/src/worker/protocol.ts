/** What page and worker say to each other. The worker has the secrets and does the arithmetic; the page draws. */

import type { Contest } from '../core/bodies.ts';
import type { Choice, Choices } from '../core/choice.ts';
import { CheckFailed, NotFound, Refused } from '../core/errors.ts';
import { ServiceRefused, Unreachable } from '../ui/kit/failures.ts';

/** An election whose setup was verified. */
export interface ElectionSeen {
  readonly id: string;
  readonly name: Bilingual;
  readonly timeline: { readonly opens: string; readonly closes: string };
  readonly auditors: number;
}

/** One contest of the voter as the offer has it, and as a page shows it. `emblems` are pictures as data: URLs by option,
 * or null for all. */
export interface ContestSeen extends Choices {
  readonly contest: Contest;
  readonly emblems: readonly string[] | null;
}

export interface UrnSeen {
  readonly name: string;
  readonly contests: readonly ContestSeen[];
}

export interface SignedSeen {
  readonly entry: Uint8Array;
  readonly leaf: string;
  readonly tracker: string;
}

/** A receipt that was verified. `file` is what the voter keeps. */
export interface ReceiptSeen {
  readonly leaf: string;
  readonly tracker: string;
  readonly index: number;
  readonly size: number;
  readonly auditors: number;
  readonly missing: number;
  readonly quorumReached: boolean;
  readonly file: Uint8Array;
}

interface Bilingual {
  readonly es: string;
  readonly en: string;
}

/** The requests by name: what they take, what they give. */
export interface Acts {
  /** Verifies the election. [CLIENT-SETUP] */
  open: [null, ElectionSeen];
  /** Finds the voter's credential (hex) on the roll of the urn. [CLIENT-SETUP] */
  confirm: [{ urn: string; credential: string }, UrnSeen];
  /** Takes a typed credential, which must be the confirmed one. */
  credential: [{ text: string }, null];
  prepare: [{ choices: ReadonlyMap<string, Choice> }, { fingerprint: string }];
  discard: [null, null];
  challenge: [null, Uint8Array];
  sign: [null, SignedSeen];
  /** The ballot box's answer to a ballot. Works without an election. */
  answer: [{ answer: unknown; entry: Uint8Array }, ReceiptSeen];
  /** A receipt that was asked for by its leaf hash. Works without an election. */
  receipt: [{ receipt: Uint8Array; leaf: string }, ReceiptSeen];
}

export type Act = keyof Acts;
export type Asked = { [A in Act]: { readonly id: number; readonly act: A; readonly with: Acts[A][0] } }[Act];
/** What the worker is at while it verifies; `bytes` are those that have come. */
export interface Progress {
  readonly step: 'setup' | 'roll' | 'again';
  readonly bytes: number;
}
export type Tell = (progress: Progress) => void;

/** Whoever does what is asked: a worker, or in a practice election the page itself. Throws what the work throws. */
export interface Desk {
  ask<A extends Act>(act: A, given: Acts[A][0], progress?: Tell): Promise<Acts[A][1]>;
}

export type Told =
  | { readonly id: number; readonly good: unknown }
  | { readonly id: number; readonly bad: Failure }
  | { readonly id: number; readonly progress: Progress };

/** An error as it passes between the two. */
export interface Failure {
  readonly name: string;
  readonly code: string;
  readonly text: string;
  readonly where: string | null;
  readonly params: Readonly<Record<string, string | number>>;
  readonly status: number;
  readonly document: unknown;
}

const NONE = { code: '', text: '', where: null, params: {}, status: 0, document: null };

export function failureOf(error: unknown): Failure {
  if (error instanceof CheckFailed) return { ...NONE, name: error.name, code: error.check, text: error.detail, where: error.where };
  if (error instanceof Refused) return { ...NONE, name: error.name, code: error.code, params: error.params };
  if (error instanceof ServiceRefused) return { ...NONE, name: error.name, status: error.status, document: error.document };
  return { ...NONE, name: error instanceof Error ? error.name : 'unknown', text: error instanceof NotFound ? error.message : '' };
}

export function errorOf(failure: Failure): Error {
  if (failure.name === 'CheckFailed') return new CheckFailed(failure.code, failure.text, failure.where);
  if (failure.name === 'Refused') return new Refused(failure.code, failure.params);
  if (failure.name === 'ServiceRefused') return new ServiceRefused(failure.status, failure.document);
  if (failure.name === 'Unreachable') return new Unreachable();
  if (failure.name === 'NotFound') return new NotFound(failure.text);
  return Object.assign(new Error(failure.text), { name: failure.name });
}
