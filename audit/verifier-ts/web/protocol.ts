/** What page and worker say to each other. */

import type { Outcome } from '../src/core/verify.js';

export type Job = {
  readonly policy: Uint8Array;
  readonly record: { readonly files: readonly (readonly [path: string, file: File])[] } | { readonly url: string };
};

/** What a worker is started for: one verifies and has the others do the heavy work, through a port each. */
export type Role =
  | { readonly kind: 'verify'; readonly job: Job; readonly helpers: readonly MessagePort[] }
  | { readonly kind: 'help'; readonly port: MessagePort };

export type Answer =
  | { readonly kind: 'progress'; readonly check: string; readonly done: number; readonly total: number }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'undecided'; readonly message: string };
