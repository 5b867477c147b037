/** Signing in: the user and the password, then six digits. What is wrong is said in one way, whatever it is. */

import { t } from '../../texts/index.ts';
import { call } from '../kit/api.ts';
import { byId, h, type Child } from '../kit/dom.ts';
import { button, field, form, valueOf, wrong } from '../kit/form.ts';
import { redraw, show } from '../kit/page.ts';
import { hasPasskeys, usePasskey } from '../kit/passkeys.ts';
import { problemOf, problemView, type Problem } from '../kit/problem.ts';
import { passkeyProblem } from './passkey.ts';

const CODE = /^\d{6}$/;

/** Why the voter is asked to sign in. */
export type Why = 'welcome' | 'over' | 'left' | 'again';

/** The first step. `done` follows the second. */
export function signIn(why: Why, done: () => void, failure: unknown = null): void {
  let problem: Problem | null = failure === null ? null : problemOf(failure);

  show({
    title: () => t('sign-in-title'),
    body: () => [
      why !== 'welcome' && h('p', { class: why === 'left' ? 'note good' : 'note', role: 'status', id: `why-${why}` }, t(`sign-in-${why}`)),
      problem !== null && problemView(problem),
      why === 'welcome' && h('p', {}, t('sign-in-how')),
      form(submit,
        field({ id: 'user', label: t('user'), attributes: { type: 'email', autocomplete: 'username', inputmode: 'email' } }),
        field({ id: 'password', label: t('password'), secret: true, attributes: { autocomplete: 'current-password' } }),
        h('div', { class: 'acts' },
          h('button', { type: 'submit', class: 'main', id: 'enter' }, t('sign-in')),
          hasPasskeys() && button(t('passkey-use'), () => void enterByPasskey(), 'plain', { id: 'passkey' }),
        ),
        h('p', { id: 'passkey-error', class: 'wrong', role: 'alert' }),
      ),
      h('details', {}, h('summary', {}, t('sign-in-first')), h('p', {}, t('sign-in-first-what'))),
      h('details', {}, h('summary', {}, t('sign-in-forgot')), h('p', {}, t('sign-in-forgot-what'))),
      h('nav', { class: 'others', 'aria-label': t('others') },
        h('ul', {},
          h('li', {}, h('a', { href: '/practica' }, t('others-practice'))),
          h('li', {}, h('a', { href: '/recibo' }, t('others-receipt'))),
          h('li', {}, h('a', { href: '/reto' }, t('others-challenge'))),
        ),
      ),
    ],
  });

  async function enterByPasskey(): Promise<void> {
    byId('passkey-error').textContent = '';
    try {
      await usePasskey();
      done();
    } catch (error) {
      byId('passkey-error').textContent = passkeyProblem(error);
    }
  }

  async function submit(): Promise<void> {
    const [user, password] = [valueOf('user').trim(), valueOf('password')];
    wrong('user', user === '' ? t('user-missing') : '');
    if (user === '') return;
    wrong('password', password === '' ? t('password-missing') : '');
    if (password === '') return;
    try {
      const answer = (await call('POST', '/session', { body: { user, password } })) as { ticket: string; method: 'totp' | 'sms' };
      askCode(answer.ticket, answer.method, done);
    } catch (error) {
      problem = problemOf(error);
      redraw();
    }
  }
}

function askCode(ticket: string, method: 'totp' | 'sms', done: () => void): void {
  let problem: Problem | null = null;
  const startOver = (): void => signIn('welcome', done);

  show({
    title: () => t('code-title'),
    back: startOver,
    body: (): Child => [
      problem !== null && problemView(problem, button(t('code-start-over'), startOver, 'plain', { id: 'start-over' })),
      h('p', {}, t(method === 'totp' ? 'code-totp' : 'code-sms')),
      form(submit,
        field({ id: 'code', label: t('code'), attributes: { inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 9, class: 'code' } }),
        h('div', { class: 'acts' },
          h('button', { type: 'submit', class: 'main', id: 'enter' }, t('sign-in')),
          problem === null && button(t('back'), startOver, 'plain', { id: 'back' }),
        ),
      ),
    ],
  });

  async function submit(): Promise<void> {
    const code = valueOf('code').replace(/\s/g, '');
    wrong('code', CODE.test(code) ? '' : t('code-six'));
    if (!CODE.test(code)) return;
    try {
      await call('POST', '/session/code', { body: { ticket, code } });
      done();
    } catch (error) {
      problem = problemOf(error);
      redraw();
    }
  }
}
