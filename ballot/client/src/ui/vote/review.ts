/** From paper to paper, and all of them once more before they are encrypted. */

import { t } from '../../texts/index.ts';
import { h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { show } from '../kit/page.ts';
import { plain } from '../kit/words.ts';
import type { Booth } from './booth.ts';
import { choiceOf, coalitionOf } from './marks.ts';
import { emblem, nameOf, titleOf } from './names.ts';
import { showPaper } from './paper.ts';
import { seal } from './sealed.ts';

/** The first paper; each leads to the next one, the last one to the review. */
export function vote(booth: Booth, place = 0): void {
  const last = place + 1 === booth.urn.contests.length;
  showPaper(booth, place, place === 0 ? null : () => vote(booth, place - 1), () => (last ? review(booth) : vote(booth, place + 1)));
}

/** All choices, each with the way to change it. */
export function review(booth: Booth): void {
  show({
    title: () => t('review-title'),
    back: () => vote(booth, booth.urn.contests.length - 1),
    body: () => [
      h('p', {}, t('review-how')),
      booth.urn.contests.map((_, place) => h('section', { class: 'card choice' },
        h('h2', {}, titleOf(booth.urn.contests[place]!)),
        h('div', { class: 'chosen-is' }, chosen(booth, place)),
        button([t('review-change'), h('span', { class: 'unseen' }, `: ${titleOf(booth.urn.contests[place]!)}`)],
          () => showPaper(booth, place, () => review(booth), () => review(booth)), 'plain', { id: `change-${place}` }),
      )),
      h('p', { class: 'note' }, t('review-next')),
      h('div', { class: 'acts' }, button(t('review-go-on'), () => void seal(booth), 'main', { id: 'seal' })),
    ],
  });
}

/** A paper's choice with its emblems. */
export function chosen(booth: Booth, place: number): Child {
  const contest = booth.urn.contests[place]!;
  const choice = choiceOf(booth.papers[place]!);
  if (choice === null || choice.kind === 'null') return h('p', { class: 'name' }, t('review-null'));
  if (choice.kind === 'write-in') return [h('p', { class: 'name' }, plain(choice.text)), h('p', {}, t('review-write-in'))];
  const coalition = choice.options.length > 1 ? coalitionOf(contest, choice.options[0]!) : null;
  return [
    h('div', { class: 'emblems' }, choice.options.map((option) => emblem(contest, option))),
    h('p', { class: 'name' }, plain(coalition?.candidate ?? contest.options[choice.options[0]!]!.name)),
    h('p', {}, coalition === null ? contest.options[choice.options[0]!]!.party !== null && nameOf(contest, choice.options[0]!)
      : t('review-coalition', { parties: choice.options.map((option) => nameOf(contest, option)).join(' + ') })),
  ];
}
