/** The last step of the first access: a code that shows that codes arrive, and a password. */

import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { call } from '../kit/api.ts';
import { byId, h, type Child } from '../kit/dom.ts';
import { button, field, form, valueOf, wrong } from '../kit/form.ts';
import { redraw, show } from '../kit/page.ts';
import { problemOf, problemView, ServiceRefused, type Problem } from '../kit/problem.ts';
import { qrPicture } from '../kit/qr.ts';
import { plain } from '../kit/words.ts';
import { SHORTEST, strengthOf } from './password.ts';
import { forget, type Access } from './state.ts';

const CODE = /^\d{6}$/;
const OVER = new Set(['ticket-over', 'access-refused']);

/** Shows it. `over` follows where the ticket has run out. */
export function setUp(access: Access, over: (access: Access, error: unknown) => void): void {
  let problem: Problem | null = null;
  show({
    title: () => t(access.method === 'totp' ? 'totp-title' : 'sms-title'),
    body: () => [
      problem !== null && problemView(problem),
      access.totp === undefined ? sms() : totp(access.totp),
      form(submit,
        field({ id: 'code', label: t('code'), attributes: { inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 9, class: 'code' } }),
        h('h2', {}, t('password-title')),
        field({
          id: 'password', label: t('password-new'), hint: t('password-hint', { shortest: SHORTEST }), secret: true,
          attributes: { autocomplete: 'new-password', minlength: SHORTEST, oninput: judge },
          after: h('p', { id: 'strength', class: 'hint', role: 'status' }),
        }),
        h('div', { class: 'acts' }, h('button', { type: 'submit', class: 'main', id: 'confirm' }, t('access-confirm'))),
      ),
    ],
  });

  function totp({ secret, uri }: NonNullable<Access['totp']>): Child {
    return [
      h('ol', { class: 'steps' },
        h('li', {}, t('totp-app')),
        h('li', {}, t('totp-scan')),
        h('li', {}, t('totp-type')),
      ),
      h('section', { class: 'card' },
        qrPicture(uri, t('totp-qr')),
        h('p', { class: 'center' }, t('totp-secret')),
        h('p', { class: 'code center', id: 'secret' }, secret.replace(/(.{4})(?=.)/g, '$1 ')),
        h('div', { class: 'acts' },
          h('a', { class: 'button', id: 'open-app', href: uri }, t('totp-open')),
          button(t('copy'), () => void copy(secret), 'plain', { id: 'copy' }),
        ),
      ),
    ];
  }

  function sms(): Child {
    return [
      h('p', {}, t('sms-sent', { masked: plain(access.masked ?? '') })),
      h('div', { class: 'acts' }, button(t('sms-again'), () => void again(), 'plain', { id: 'again' })),
    ];
  }

  async function again(): Promise<void> {
    try {
      await call('POST', '/access/factor', { body: { ticket: access.ticket, method: 'sms' } });
      announce(t('sms-sent', { masked: plain(access.masked ?? '') }), true);
    } catch (error) {
      failed(error);
    }
  }

  async function submit(): Promise<void> {
    const [code, password] = [valueOf('code').replace(/\s/g, ''), valueOf('password')];
    const short = strengthOf(password).missing > 0;
    wrong('password', short ? t('password-too-short', { shortest: SHORTEST }) : '');
    wrong('code', CODE.test(code) ? '' : t('code-six'));
    if (short || !CODE.test(code)) return;
    try {
      const { user } = (await call('POST', '/access/confirm', { body: { ticket: access.ticket, code, password } })) as { user: string };
      forget();
      ready(user);
    } catch (error) {
      failed(error);
    }
  }

  function failed(error: unknown): void {
    const found = problemOf(error);
    if (error instanceof ServiceRefused && OVER.has(error.code)) return over(access, error);
    problem = found;
    redraw();
    const about = found.code.startsWith('password-') ? 'password' : found.code === 'access-code-wrong' ? 'code' : null;
    if (about !== null) wrong(about, found.title);
  }

  function judge(): void {
    const { level, missing } = strengthOf(valueOf('password'));
    const text = level === 'short' ? t('strength-short', { missing }) : t(`strength-${level}`);
    if (byId('strength').textContent !== text) byId('strength').textContent = text;
  }

}

function ready(user: string): void {
  show({
    title: () => t('ready-title'),
    body: () => [
      h('p', { class: 'note good', id: 'ready' }, t('ready', { user: plain(user) })),
      h('p', {}, t('ready-next')),
      h('div', { class: 'acts' }, h('a', { class: 'button main', href: '/', id: 'vote' }, t('sign-in-title')), h('a', { class: 'button', href: '/practica' }, t('others-practice'))),
    ],
  });
}

async function copy(secret: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(secret);
    announce(t('copied'));
  } catch {
    // Without the permission it can be selected where it stands.
  }
}
