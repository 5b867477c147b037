/** Names and emblems of what stands on a paper. Pictures that the election does not bring are equal for everybody. */

import { inLanguage, t } from '../../texts/index.ts';
import type { ContestSeen } from '../../worker/protocol.ts';
import { h } from '../kit/dom.ts';
import { plain } from '../kit/words.ts';
import type { Box } from './marks.ts';

const LONGEST_MARK = 6;

/** A contest's title in the current language. */
export const titleOf = (contest: ContestSeen): string => plain(inLanguage(contest.contest.title));

/** An option in a sentence: its party where it has one, since a coalition's candidate has several boxes. */
export function nameOf(contest: ContestSeen, option: number): string {
  const { name, party } = contest.options[option]!;
  return plain(party ?? name);
}

/** Any box in a sentence. */
export function boxName(contest: ContestSeen, box: Box): string {
  if (typeof box === 'number') return nameOf(contest, box);
  return t(box === 'null' ? 'paper-null' : 'paper-write-in');
}

/** The element's id of a box. */
export const idOf = (box: Box): string => (typeof box === 'number' ? `option-${box}` : box === 'null' ? 'annul' : 'write-in');

/** The emblem of an option, or its letters in a plain square. */
export function emblem(contest: ContestSeen, option: number): HTMLElement {
  const picture = contest.emblems?.[option];
  const letters = lettersOf(nameOf(contest, option));
  return h('span', { class: picture === undefined && letters.length > 4 ? 'emblem long' : 'emblem', 'aria-hidden': 'true' }, picture === undefined ? letters : h('img', { src: picture, alt: '' }));
}

/** A short name as it is, a long one by its initials. */
function lettersOf(name: string): string {
  if (name.length <= LONGEST_MARK && !name.includes(' ')) return name;
  const initials = name.split(/\s+/).filter((word) => /^\p{Lu}/u.test(word)).map((word) => Array.from(word)[0]!);
  return (initials.length > 0 ? initials : Array.from(name)).slice(0, 4).join('');
}
