/** The ballot is encrypted, and only now the voter says what becomes of it: cast, or challenged. */

import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { h } from '../kit/dom.ts';
import { button, progress } from '../kit/form.ts';
import { isShown, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView } from '../kit/problem.ts';
import { codeView } from '../kit/words.ts';
import type { Booth } from './booth.ts';
import { cast } from './casting.ts';
import { challenge } from './challenge.ts';
import { review } from './review.ts';

/** Encrypts what the papers say, anew each time. */
export async function seal(booth: Booth): Promise<void> {
  const choices = booth.choices();
  if (choices === null) return review(booth);
  const working: Screen = { title: () => t('sealing-title'), body: () => progress('sealing', t('sealing')) };
  show(working);
  try {
    const { fingerprint } = await booth.desk.ask('prepare', { choices });
    if (isShown(working)) decide(booth, fingerprint);
  } catch (error) {
    if (isShown(working)) failed(booth, error);
  }
}

/** Cast or challenge: two ways of equal weight. */
function decide(booth: Booth, fingerprint: string): void {
  const back = (): void => {
    void booth.desk.ask('discard', null).catch(() => undefined);
    review(booth);
  };
  show({
    wide: true,
    title: () => t('sealed-title'),
    back,
    body: () => [
      h('section', { class: 'card center' },
        h('h2', {}, t('fingerprint')),
        codeView(fingerprint, 'fingerprint'),
        h('p', { class: 'small' }, t('fingerprint-why')),
      ),
      h('div', { class: 'two' },
        h('section', { class: 'card' },
          h('h2', {}, t('cast-title')),
          h('p', {}, t('cast-what')),
          button(t('cast'), () => void cast(booth), 'main', { id: 'cast' }),
        ),
        h('section', { class: 'card' },
          h('h2', {}, t('challenge-title')),
          h('p', {}, t('challenge-what')),
          button(t('challenge'), () => void challenge(booth, fingerprint), 'main', { id: 'challenge' }),
        ),
      ),
      h('div', { class: 'acts' }, button(t('sealed-back'), back, 'plain', { id: 'back' })),
    ],
  });
  announce(t('sealed-said'));
}

/** Nothing was encrypted, or not what should have been. */
export function failed(booth: Booth, error: unknown): void {
  const problem = problemOf(error);
  show({
    title: () => t('error'),
    back: () => review(booth),
    body: () => problemView(problem, button(t('review-return'), () => review(booth), 'main')),
  });
}
