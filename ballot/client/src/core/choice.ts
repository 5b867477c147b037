/** What a voter may choose in one contest, and its one encoding as bytes. Source: docs/spec/choice-encoding.md. */

import { utf8 } from './bytes.ts';
import type { Contest, Offer } from './bodies.ts';
import { Refused } from './errors.ts';
import { isObject } from './fields.ts';
import type { Json } from './json.ts';

/** `options` are ascending indices into the contest's options. */
export type Choice =
  | { readonly kind: 'marks'; readonly options: readonly number[] }
  | { readonly kind: 'write-in'; readonly text: string }
  | { readonly kind: 'null' };

/** What a page shows of a contest. Valid are: one option; two or more members of one coalition; a write-in of 1 to
 * `writeInBytes` bytes of UTF-8, where that is not 0; an explicit null. */
export interface Choices {
  readonly options: readonly { readonly index: number; readonly id: string; readonly name: string; readonly party: string | null; readonly emblem: string | null }[];
  readonly coalitions: readonly { readonly id: string; readonly candidate: string; readonly options: readonly number[] }[];
  readonly writeInBytes: number;
}

/** How many bytes of a choice one ciphertext holds. Here, so that a page judges choices without any arithmetic. */
export const BLOCK_BYTES = 30;

export type Problem = 'marks-invalid' | 'write-in-empty' | 'write-in-too-long' | 'write-in-character';

/** First and last code point of what a write-in may consist of. Each of them is its own NFC form. */
const WRITE_IN = [[0x20, 0x7e], [0xa1, 0xac], [0xae, 0x24f], [0x2bc, 0x2bc], [0xa78b, 0xa78c]] as const;

export function choicesOf(contest: Contest): Choices {
  const place = new Map(contest.options.map((option, index) => [option.id, index]));
  return {
    options: contest.options.map(({ id, name, party, emblem }, index) => ({ index, id, name, party: party ?? null, emblem: emblem ?? null })),
    coalitions: contest.coalitions.map(({ id, candidate, members }) => ({
      id, candidate, options: members.map((member) => place.get(member)!).sort((a, b) => a - b),
    })),
    writeInBytes: contest.write_in_bytes,
  };
}

/** Why the contest does not allow this choice, or null. */
export function problemOf(contest: Contest, choice: Choice): Problem | null {
  if (choice.kind === 'null') return null;
  if (choice.kind === 'marks') return marksAllowed(contest, choice.options) ? null : 'marks-invalid';
  if (choice.text === '') return 'write-in-empty';
  if (!Array.from(choice.text).every(allowedInWriteIn)) return 'write-in-character';
  return utf8(choice.text).length <= contest.write_in_bytes ? null : 'write-in-too-long';
}

/** Whether a write-in may hold this character. */
export function allowedInWriteIn(character: string): boolean {
  const point = character.codePointAt(0)!;
  return WRITE_IN.some(([first, last]) => first <= point && point <= last);
}

/** What a page makes of a typed name before it is judged: composed letters, no white space around it. The encoding
 * itself repairs nothing. */
export function tidyWriteIn(typed: string): string {
  return typed.normalize('NFC').trim();
}

/** w: the blocks that a contest needs [MANIFEST-BLOCKS]. */
export function blocksNeeded(contest: Contest): number {
  return Math.ceil((1 + Math.max(bitmapBytes(contest), contest.write_in_bytes)) / BLOCK_BYTES);
}

/** The choice as `contest.blocks` * 30 bytes. Throws Refused("marks-invalid") or Refused("write-in-invalid"). */
export function encodeChoice(contest: Contest, choice: Choice): Uint8Array {
  const problem = problemOf(contest, choice);
  if (problem === 'marks-invalid') throw new Refused('marks-invalid', { contest: contest.id });
  if (problem !== null) throw new Refused('write-in-invalid', { contest: contest.id, longest: contest.write_in_bytes });
  const data = new Uint8Array(contest.blocks * BLOCK_BYTES);
  if (choice.kind === 'marks') {
    data[0] = 1;
    for (const option of choice.options) data[1 + (option >> 3)]! |= 1 << (option & 7);
  } else if (choice.kind === 'write-in') {
    data[0] = 2;
    data.set(utf8(choice.text), 1);
  }
  return data;
}

/** The contests of an urn, in order. Throws Refused("urn-unknown"). */
export function contestsOf(offer: Offer, urn: string): Contest[] {
  const found = offer.urns.find(({ id }) => id === urn);
  if (found === undefined) throw new Refused('urn-unknown', { urn });
  return found.contests.map((contest) => offer.contests.find(({ id }) => id === contest)!);
}

/** One choice per contest, in order. Throws Refused("choice-missing") where one is missing or one too many. */
export function inOrder<T>(contests: readonly Contest[], choices: ReadonlyMap<string, T>): T[] {
  const ids = new Set(contests.map(({ id }) => id));
  const wrong = [...[...ids].filter((id) => !choices.has(id)), ...[...choices.keys()].filter((id) => !ids.has(id))];
  if (wrong.length > 0) throw new Refused('choice-missing', { contest: wrong.sort()[0]! });
  return contests.map(({ id }) => choices.get(id)!);
}

/** A choice by the ids of the offer. */
export function writeChoice(contest: Contest, choice: Choice): Json {
  if (choice.kind === 'marks') return { marks: choice.options.map((option) => contest.options[option]!.id) };
  return choice.kind === 'write-in' ? { write_in: choice.text } : 'null';
}

/** The choices that JSON names, one per contest. Throws Refused("choice-missing"), Refused("choice-unreadable"). */
export function readChoices(contests: readonly Contest[], value: Json): Map<string, Choice> {
  if (!isObject(value)) throw new Refused('choice-unreadable', { contest: '*' });
  const ordered = inOrder(contests, new Map(Object.keys(value).map((id): [string, Json] => [id, value[id]!])));
  return new Map(contests.map((contest, i) => [contest.id, readChoice(contest, ordered[i]!)]));
}

function readChoice(contest: Contest, value: Json): Choice {
  const choice = named(contest, value);
  if (choice === null || problemOf(contest, choice) !== null) throw new Refused('choice-unreadable', { contest: contest.id });
  return choice;
}

function named(contest: Contest, value: Json): Choice | null {
  if (value === 'null') return { kind: 'null' };
  if (!isObject(value) || Object.keys(value).length !== 1) return null;
  const { marks, write_in: text } = value;
  if (typeof text === 'string') return { kind: 'write-in', text };
  if (!Array.isArray(marks)) return null;
  const options = marks.map((id) => contest.options.findIndex((option) => option.id === id));
  return options.includes(-1) ? null : { kind: 'marks', options: options.sort((a, b) => a - b) };
}

function marksAllowed(contest: Contest, options: readonly number[]): boolean {
  const inside = (option: number): boolean => Number.isInteger(option) && option >= 0 && option < contest.options.length;
  const ascending = options.every((option, place) => inside(option) && (place === 0 || options[place - 1]! < option));
  if (!ascending || options.length === 0) return false;
  const ids = options.map((option) => contest.options[option]!.id);
  return ids.length === 1 || contest.coalitions.some(({ members }) => ids.every((id) => members.includes(id)));
}

const bitmapBytes = (contest: Contest): number => Math.ceil(contest.options.length / 8);
