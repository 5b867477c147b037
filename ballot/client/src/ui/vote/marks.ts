/** The marks on one paper: what may stand together, and why something may not. Pure. */

import { tidyWriteIn, type Choice, type Choices } from '../../core/choice.ts';

/** One paper. `options` are ascending indices; `written` is what was typed, whether or not the line is marked. */
export interface Paper {
  readonly options: readonly number[];
  readonly writeIn: boolean;
  readonly written: string;
  readonly nulled: boolean;
}

/** A box of the paper: an option by its index, the line for a name, or "annul". */
export type Box = number | 'write-in' | 'null';

/** Why a box cannot be marked beside what is marked: `no-coalition` names the marked options that do not go with it. */
export interface Conflict {
  readonly why: 'no-coalition' | 'alone';
  readonly box: Box;
  readonly against: readonly Box[];
}

export const EMPTY: Paper = { options: [], writeIn: false, written: '', nulled: false };

/** The boxes that are marked. */
export function marked(paper: Paper): Box[] {
  return [...paper.options, ...(paper.writeIn ? ['write-in' as const] : []), ...(paper.nulled ? ['null' as const] : [])];
}

/** The paper after a box was touched: unmarked if it was marked; marked if that may stand beside the others. */
export function touch(choices: Choices, paper: Paper, box: Box): Paper | Conflict {
  const before = marked(paper);
  if (before.includes(box)) return without(paper, box);
  if (before.length === 0) return only(paper, box);
  if (typeof box !== 'number' || paper.writeIn || paper.nulled) return { why: 'alone', box, against: before };
  const options = [...paper.options, box].sort((a, b) => a - b);
  if (together(choices, options)) return { ...paper, options };
  const against = paper.options.filter((other) => !together(choices, [other, box]));
  return { why: 'no-coalition', box, against };
}

/** The paper with this box alone. */
export function only(paper: Paper, box: Box): Paper {
  return {
    options: typeof box === 'number' ? [box] : [], writeIn: box === 'write-in', nulled: box === 'null', written: paper.written,
  };
}

/** What the paper says, or null while it says nothing. */
export function choiceOf(paper: Paper): Choice | null {
  if (paper.nulled) return { kind: 'null' };
  if (paper.writeIn) return { kind: 'write-in', text: tidyWriteIn(paper.written) };
  return paper.options.length > 0 ? { kind: 'marks', options: paper.options } : null;
}

/** The coalition that an option is of, or null. */
export function coalitionOf(choices: Choices, option: number): Choices['coalitions'][number] | null {
  return choices.coalitions.find(({ options }) => options.includes(option)) ?? null;
}

export const isConflict = (found: Paper | Conflict): found is Conflict => 'why' in found;

function together(choices: Choices, options: readonly number[]): boolean {
  return choices.coalitions.some((coalition) => options.every((option) => coalition.options.includes(option)));
}

function without(paper: Paper, box: Box): Paper {
  if (typeof box === 'number') return { ...paper, options: paper.options.filter((option) => option !== box) };
  return box === 'null' ? { ...paper, nulled: false } : { ...paper, writeIn: false };
}
