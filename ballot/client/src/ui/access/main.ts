/** The page `/acceso`: the first access by the link of a mail.
 *
 *     digits of the telephone -> how codes come -> code and password -> ready
 */

import { t } from '../../texts/index.ts';
import { call } from '../kit/api.ts';
import { h, type Child } from '../kit/dom.ts';
import { button, field, form, valueOf, wrong } from '../kit/form.ts';
import { openPage, redraw, show } from '../kit/page.ts';
import { problemOf, problemView, ServiceRefused, type Problem } from '../kit/problem.ts';
import { plain } from '../kit/words.ts';
import { setUp } from './setup.ts';
import { readAccess, remember, type Access, type Method } from './state.ts';

const DIGITS = /^\d{4}$/;

openPage();
begin();
addEventListener('hashchange', () => location.hash.length > 1 && begin());

function begin(): void {
  const access = readAccess();
  if (access === null) withoutLink();
  else if (access.method !== undefined) setUp(access, over);
  else if (access.ticket !== undefined) choose(access);
  else digits(access);
}

/** The ticket is over or refused: the link still serves, so it begins anew. */
function over(access: Access, error: unknown): void {
  digits(remember({ token: access.token }), problemOf(error));
}

function withoutLink(): void {
  show({
    title: () => t('access-title'),
    body: () => [
      h('p', { class: 'note', id: 'no-link' }, t('access-no-link')),
      h('p', {}, t('access-have')),
      h('div', { class: 'acts' }, h('a', { class: 'button main', href: '/' }, t('sign-in-title'))),
    ],
  });
}

/** That whoever has the mail has the telephone too. */
function digits(access: Access, first: Problem | null = null): void {
  let problem = first;
  show({
    title: () => t('access-title'),
    body: () => [
      problem !== null && problemView(problem),
      h('p', {}, t('access-what')),
      form(submit,
        field({ id: 'digits', label: t('access-digits'), hint: t('access-digits-hint'), attributes: { inputmode: 'numeric', autocomplete: 'off', maxlength: 4, class: 'code' } }),
        h('div', { class: 'acts' }, h('button', { type: 'submit', class: 'main', id: 'go-on' }, t('access-go-on'))),
      ),
    ],
  });

  async function submit(): Promise<void> {
    const typed = valueOf('digits').trim();
    wrong('digits', DIGITS.test(typed) ? '' : t('access-digits-four'));
    if (!DIGITS.test(typed)) return;
    try {
      const answer = (await call('POST', '/access/begin', { body: { token: access.token, digits: typed } })) as { ticket: string; user: string; factors: Method[] };
      choose(remember({ token: access.token, ticket: answer.ticket, user: answer.user, factors: answer.factors }));
    } catch (error) {
      problem = problemOf(error);
      redraw();
    }
  }
}

/** An application of codes, or text messages. Nothing is chosen beforehand. */
function choose(access: Access): void {
  let [chosen, problem]: [Method | null, Problem | null] = [null, null];
  show({
    title: () => t('factor-title'),
    back: () => digits(access),
    body: () => [
      problem !== null && problemView(problem),
      h('p', {}, t('factor-what', { user: plain(access.user ?? '') })),
      form(submit,
        h('fieldset', {},
          h('legend', { class: 'label' }, t('factor-legend')),
          h('div', { class: 'picks' }, (access.factors ?? []).map(pick)),
          h('p', { id: 'factor-error', class: 'wrong', role: 'alert' }),
        ),
        h('div', { class: 'acts' },
          h('button', { type: 'submit', class: 'main', id: 'go-on' }, t('access-go-on')),
          button(t('back'), () => digits(access), 'plain', { id: 'back' }),
        ),
      ),
    ],
  });

  function pick(method: Method): Child {
    return h('label', { class: chosen === method ? 'pick chosen' : 'pick' },
      h('input', {
        type: 'radio', name: 'factor', id: `factor-${method}`, value: method, checked: chosen === method,
        onchange: () => {
          chosen = method;
          redraw();
        },
      }),
      h('span', { class: 'names' }, h('span', { class: 'name' }, t(`factor-${method}`)), h('span', { class: 'party' }, t(`factor-${method}-what`))),
    );
  }

  async function submit(): Promise<void> {
    const error = document.getElementById('factor-error')!;
    error.textContent = chosen === null ? t('factor-missing') : '';
    if (chosen === null) return;
    try {
      const answer = (await call('POST', '/access/factor', { body: { ticket: access.ticket, method: chosen } })) as { totp?: Access['totp']; sms?: { masked: string } };
      setUp(remember({ ...access, method: chosen, ...(answer.totp ? { totp: answer.totp } : {}), ...(answer.sms ? { masked: answer.sms.masked } : {}) }), over);
    } catch (failure) {
      if (failure instanceof ServiceRefused && failure.code === 'ticket-over') return over(access, failure);
      problem = problemOf(failure);
      redraw();
    }
  }
}

