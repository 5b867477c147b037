/** One contest as a paper ballot: a box for each option in the order of the offer, a line for a name, and "annul". */

import { problemOf, tidyWriteIn } from '../../core/choice.ts';
import { utf8 } from '../../core/bytes.ts';
import { inLanguage, t } from '../../texts/index.ts';
import { announce, focusOn } from '../kit/announce.ts';
import { byId, h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { redraw, show, type Screen } from '../kit/page.ts';
import { quoted } from '../kit/words.ts';
import type { Booth } from './booth.ts';
import { choiceOf, coalitionOf, isConflict, marked, only, touch, type Box, type Conflict, type Paper } from './marks.ts';
import { boxName, emblem, idOf, nameOf, titleOf } from './names.ts';

/** Shows the paper of a contest. `back` leads to where it was opened from, `next` on once it says something. */
export function showPaper(booth: Booth, place: number, back: (() => void) | null, next: () => void): void {
  new PaperScreen(booth, place, back, next).open();
}

class PaperScreen {
  private conflict: Conflict | null = null;
  private missing = false;

  constructor(
    private readonly booth: Booth,
    private readonly place: number,
    private readonly back: (() => void) | null,
    private readonly next: () => void,
  ) {}

  open(): void {
    const screen: Screen = { wide: true, title: () => titleOf(this.contest), body: () => this.body() };
    show(this.back === null ? screen : { ...screen, back: this.back });
  }

  private get contest() {
    return this.booth.urn.contests[this.place]!;
  }

  private get paper(): Paper {
    return this.booth.papers[this.place]!;
  }

  private set paper(paper: Paper) {
    this.booth.papers[this.place] = paper;
  }

  private body(): Child {
    const count = this.booth.urn.contests.length;
    return [
      count > 1 && h('p', { class: 'step' }, t('paper-step', { number: this.place + 1, of: count })),
      h('p', {}, t(this.contest.coalitions.length > 0 ? 'paper-how-coalitions' : 'paper-how')),
      h('div', { class: 'paper' },
        h('div', { class: 'paper-head' },
          h('p', {}, quoted(inLanguage(this.booth.election.name))),
          h('p', { class: 'paper-title', 'aria-hidden': 'true' }, titleOf(this.contest)),
          h('p', {}, quoted(this.booth.urn.name)),
          h('p', { class: 'paper-legend' }, quoted(this.contest.contest.legend)),
        ),
        h('fieldset', {},
          h('legend', { class: 'unseen' }, titleOf(this.contest)),
          h('ul', { class: 'boxes' }, this.contest.options.map(({ index }) => this.option(index)), this.contest.writeInBytes > 0 && this.writeIn()),
          h('ul', { class: 'boxes annul' }, this.annul()),
        ),
      ),
      h('p', { id: 'paper-missing', class: 'wrong' }, this.missing && t('paper-missing')),
      h('div', { class: 'acts' },
        button(t('paper-next'), () => this.goOn(), 'main', { id: 'next' }),
        this.back !== null && button(t('back'), this.back, 'plain', { id: 'back' }),
      ),
    ];
  }

  private option(index: number): Child {
    const { name, party } = this.contest.options[index]!;
    const coalition = coalitionOf(this.contest, index);
    const members = coalition?.options.map((member) => nameOf(this.contest, member)).join(', ');
    return this.box(index, [
      emblem(this.contest, index),
      h('span', { class: 'names' },
        h('span', { class: 'name' }, quoted(name)),
        party !== null && h('span', { class: 'party' }, quoted(party)),
        members !== undefined && h('span', { class: 'party' }, t('paper-coalition', { members })),
      ),
    ]);
  }

  private writeIn(): Child {
    const line = h('div', { class: 'field written' },
      h('label', { for: 'written' }, t('paper-written')),
      h('input', {
        id: 'written', value: this.paper.written, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'written-left written-error',
        oninput: (event: Event) => this.write((event.target as HTMLInputElement).value),
      }),
      h('p', { id: 'written-left', class: 'hint' }, this.left()),
      h('p', { id: 'written-error', class: 'wrong', role: 'alert' }),
    );
    const words = [h('span', { class: 'emblem blank', 'aria-hidden': 'true' }), h('span', { class: 'names' }, h('span', { class: 'name' }, t('paper-write-in')))];
    return this.box('write-in', words, this.paper.writeIn && line);
  }

  private annul(): Child {
    return this.box('null', [
      h('span', { class: 'emblem blank', 'aria-hidden': 'true' }),
      h('span', { class: 'names' }, h('span', { class: 'name' }, t('paper-null')), h('span', { class: 'party' }, t('paper-null-what'))),
    ]);
  }

  private box(which: Box, words: Child, below: Child = null): Child {
    const chosen = marked(this.paper).includes(which);
    return h('li', { class: chosen ? 'chosen' : '' },
      h('label', { class: 'box' },
        h('input', { type: 'checkbox', id: idOf(which), checked: chosen, onchange: () => this.touched(which) }),
        h('span', { class: 'tick', 'aria-hidden': 'true' }),
        words,
      ),
      below,
      this.conflict?.box === which && this.dispute(this.conflict),
    );
  }

  /** Why the box was not marked, and the one way to mark it nevertheless. */
  private dispute({ why, box, against }: Conflict): Child {
    const wanted = boxName(this.contest, box);
    const others = against.map((one) => boxName(this.contest, one)).join(', ');
    return h('div', { class: 'dispute', role: 'alert' },
      h('p', {}, t(why === 'no-coalition' ? 'paper-no-coalition' : 'paper-alone', { wanted, others })),
      h('div', { class: 'acts' },
        button(t('paper-change', { wanted }), () => this.decided(only(this.paper, box), box), 'plain', { id: 'change' }),
        button(t('paper-leave', { others }), () => this.decided(this.paper, box), 'plain', { id: 'leave' }),
      ),
    );
  }

  private touched(which: Box): void {
    const found = touch(this.contest, this.paper, which);
    this.conflict = isConflict(found) ? found : null;
    this.missing = false;
    if (isConflict(found)) return redraw();
    this.decided(found, which);
  }

  private decided(paper: Paper, box: Box): void {
    this.paper = paper;
    this.conflict = null;
    redraw();
    focusOn(byId(box === 'write-in' && paper.writeIn ? 'written' : idOf(box)));
    const names = marked(paper).map((one) => boxName(this.contest, one));
    announce(names.length > 0 ? t('paper-now', { marks: names.join(', ') }) : t('paper-nothing'));
  }

  private write(typed: string): void {
    this.paper = { ...this.paper, written: typed };
    byId('written-left').textContent = this.left();
    this.judge(typed === '');
  }

  /** Says what is wrong with the written name. Gives whether it may stand. */
  private judge(silent = false): boolean {
    const choice = choiceOf(this.paper);
    const problem = silent || choice?.kind !== 'write-in' ? null : problemOf(this.contest.contest, choice);
    const text = problem === null || problem === 'marks-invalid' ? '' : t(problem);
    const error = document.getElementById('written-error');
    if (error !== null && error.textContent !== text) error.textContent = text;
    document.getElementById('written')?.setAttribute('aria-invalid', String(text !== ''));
    return text === '';
  }

  private left(): string {
    const used = utf8(tidyWriteIn(this.paper.written)).length;
    return t('paper-left', { left: Math.max(0, this.contest.writeInBytes - used) });
  }

  private goOn(): void {
    this.missing = choiceOf(this.paper) === null;
    if (this.missing) {
      redraw();
      return focusOn(byId('paper-missing'));
    }
    if (!this.judge()) return focusOn(byId('written'));
    this.next();
  }
}
