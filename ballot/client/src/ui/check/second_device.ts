/** A ballot that was put to the test, opened on a second device: the fingerprint first, then what was encrypted.
 *
 *     fingerprint -> shown -> good or alarm
 */

import { CheckFailed, Refused } from '../../core/errors.ts';
import { checkChallenge, choicesOf, parseShown, type Challenged, type Choice, type Contest, type Election } from '../../core/index.ts';
import { inLanguage, t } from '../../texts/index.ts';
import { h, type Child } from '../kit/dom.ts';
import { button, field, form, progress, valueOf, wrong } from '../kit/form.ts';
import { isShown, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView } from '../kit/problem.ts';
import { plain } from '../kit/words.ts';

/** What the steps need of their surroundings. `again` leads to where another opening is read. */
export interface Bench {
  /** The election, verified by this device itself. */
  election(): Promise<Election>;
  again(): void;
}

/** Asks for the fingerprint of an opening, and goes on from there. */
export function askFingerprint(bench: Bench, payload: Uint8Array): void {
  // It is verified while the voter types.
  let opened = bench.election();
  opened.catch(() => undefined);
  let mismatches = 0;

  const screen: Screen = {
    title: () => t('second-fingerprint-title'),
    back: bench.again,
    body: () => [
      form(async () => {
        const typed = parseShown(valueOf('fingerprint'));
        if (typed === null) return wrong('fingerprint', t('second-mistyped'));
        await compare(typed);
      },
      field({ id: 'fingerprint', label: t('second-fingerprint'), hint: t('second-fingerprint-hint'), attributes: { class: 'code', autocomplete: 'off', maxlength: 60 } }),
      h('div', { class: 'acts' }, h('button', { class: 'main', type: 'submit', id: 'check' }, t('second-check')))),
      h('p', { class: 'small' }, t('second-secret')),
    ],
  };
  const working: Screen = { title: () => t('second-working-title'), body: () => progress('working', t('second-working')), back: () => show(screen) };

  async function compare(typed: Uint8Array): Promise<void> {
    show(working);
    try {
      const election = await opened;
      if (isShown(working)) tell(election, checkChallenge(election, payload, typed), bench);
    } catch (error) {
      if (!isShown(working)) return;
      if (isNoOpening(error)) return notAnOpening(bench, error);
      if (!(error instanceof Refused) || error.code !== 'challenge-failed') return unavailable(error, typed);
      // What was mistyped looks the same, so nobody is alarmed at the first time.
      if (++mismatches > 1) return alarm(bench, 'second-alarm-fingerprint');
      show(screen);
      wrong('fingerprint', t('second-once-more'));
    }
  }

  function unavailable(error: unknown, typed: Uint8Array): void {
    const retry = (): void => {
      opened = bench.election();
      void compare(typed);
    };
    show({
      title: () => t('error'),
      back: () => show(screen),
      body: () => problemView(problemOf(error), button(t('again'), retry, 'main', { id: 'retry' }), button(t('back'), () => show(screen), 'plain', { id: 'back' })),
    });
  }

  show(screen);
}

/** The opening itself is malformed, or names what this election does not have; what is wrong with the election itself has
 * a place in its logs. */
function isNoOpening(error: unknown): boolean {
  if (error instanceof CheckFailed) return error.where === null;
  return error instanceof Refused && NO_OPENING.has(error.code);
}

const NO_OPENING = new Set(['urn-unknown', 'choice-missing', 'choice-unreadable', 'marks-invalid', 'write-in-invalid']);

function tell(election: Election, found: Challenged, bench: Bench): void {
  const contests = election.contests(found.urn);
  show({
    title: () => t('second-shown-title'),
    back: bench.again,
    body: () => [
      h('p', { class: 'note' }, t('second-shown-what')),
      contests.map((contest) => h('section', { class: 'card encrypted', 'data-contest': contest.id },
        h('h2', {}, plain(inLanguage(contest.title))),
        choiceView(contest, found.choices.get(contest.id)!),
      )),
      h('h2', {}, t('second-question')),
      h('div', { class: 'acts' },
        button(t('second-yes'), () => good(bench), 'plain', { id: 'yes' }),
        button(t('second-no'), () => alarm(bench, 'second-alarm-choices'), 'plain', { id: 'no' }),
      ),
    ],
  });
}

/** A choice in words, as the voter saw it on the paper. */
export function choiceView(contest: Contest, choice: Choice): Child {
  if (choice.kind === 'null') return h('p', { class: 'name' }, t('second-null'));
  if (choice.kind === 'write-in') return [h('p', { class: 'name' }, plain(choice.text)), h('p', {}, t('second-write-in'))];
  const { options, coalitions } = choicesOf(contest);
  const shared = choice.options.length > 1 ? coalitions.find((coalition) => coalition.options.includes(choice.options[0]!)) : undefined;
  const marked = choice.options.map((index) => options[index]!);
  const parties = marked.map(({ name, party }) => plain(party ?? name));
  return [
    h('p', { class: 'name' }, plain(shared?.candidate ?? marked[0]!.name)),
    h('p', {}, parties.length > 1 ? t('second-coalition', { parties: parties.join(' + ') }) : marked[0]!.party !== null && parties[0]),
  ];
}

function good(bench: Bench): void {
  show({
    title: () => t('second-good-title'),
    back: bench.again,
    body: () => [
      h('p', { class: 'note good', id: 'verdict' }, t('second-good')),
      h('p', {}, t('second-good-next')),
      h('div', { class: 'acts' }, button(t('second-another'), bench.again, 'plain', { id: 'another' })),
    ],
  });
}

function alarm(bench: Bench, what: 'second-alarm-choices' | 'second-alarm-fingerprint'): void {
  show({
    title: () => t('second-alarm-title'),
    back: bench.again,
    body: () => [
      h('section', { class: 'alarm', role: 'alert', id: 'verdict', 'data-code': what },
        h('h2', {}, t(what)),
        h('p', {}, t('second-alarm-why')),
      ),
      h('h2', {}, t('absent-do')),
      h('ol', { class: 'steps' }, h('li', {}, t('second-alarm-do')), h('li', {}, t('second-alarm-call')), h('li', {}, t('second-alarm-mistake'))),
      h('div', { class: 'acts' }, button(t('second-another'), bench.again, 'plain', { id: 'another' })),
    ],
  });
}

function notAnOpening(bench: Bench, error: unknown): void {
  const { code } = problemOf(error);
  show({
    title: () => t('second-not-an-opening-title'),
    back: bench.again,
    body: () => [
      h('section', { class: 'problem', role: 'alert', id: 'verdict', 'data-code': code },
        h('p', {}, t('second-not-an-opening')),
        h('p', { class: 'next' }, t('second-not-an-opening-next')),
        h('p', { class: 'small' }, t('error-code', { code })),
      ),
      h('div', { class: 'acts' }, button(t('second-another'), bench.again, 'main', { id: 'another' })),
    ],
  });
}
