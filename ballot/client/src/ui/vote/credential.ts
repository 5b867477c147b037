/** The voter's credential: typed, pasted, or scanned. Only the worker ever takes it in. */

import { normalise, values } from '../../core/crockford.ts';
import { Refused } from '../../core/errors.ts';
import { inLanguage, t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { byId, fill, h, type Child } from '../kit/dom.ts';
import { button, field, form, valueOf, wrong } from '../kit/form.ts';
import { show, type Screen } from '../kit/page.ts';
import { problemOf } from '../kit/problem.ts';
import { hasCamera, readPicture, scan, type Scanner } from '../kit/scan.ts';
import { plain } from '../kit/words.ts';
import type { Desk, ElectionSeen, UrnSeen } from '../../worker/protocol.ts';

const SYMBOLS = 28;

/** What else stands on the screen: `before` in the place of the words above the field, `after` at the end. */
export interface Around {
  readonly before?: () => Child;
  readonly after?: () => Child;
}

/** Asks for the credential; `done` follows once the worker has it. */
export function askCredential(desk: Desk, election: ElectionSeen, urn: UrnSeen, done: () => void, around: Around = {}): void {
  let scanner: Scanner | null = null;
  let checking = 0;

  const screen: Screen = {
    title: () => t('credential-title'),
    body: () => [
      h('p', { class: 'note good', id: 'verified' }, t('verified', { name: plain(inLanguage(election.name)), urn: plain(urn.name), auditors: election.auditors })),
      around.before?.() ?? h('p', {}, t('credential-how')),
      form(submit,
        field({
          id: 'credential', label: t('credential'), hint: t('credential-hint'), lines: 2,
          attributes: { autocomplete: 'off', autocapitalize: 'characters', class: 'code', oninput: () => void typed() },
          after: h('p', { id: 'credential-state', class: 'hint', role: 'status' }, count()),
        }),
        h('div', { id: 'scanner' }),
        h('div', { class: 'acts' },
          hasCamera() && button(t('credential-scan'), () => void look(), 'plain', { id: 'scan' }),
          h('label', { class: 'button file' }, t('credential-picture'), h('input', { type: 'file', accept: 'image/*', class: 'unseen', id: 'picture', onchange: (event: Event) => void picture(event) })),
        ),
        h('div', { class: 'acts' }, h('button', { type: 'submit', class: 'main', id: 'go-on' }, t('credential-go-on'))),
      ),
      h('details', {}, h('summary', {}, t('credential-none')), h('p', {}, t('credential-none-what'))),
      around.after?.(),
    ],
  };

  const symbols = (): string => normalise(document.getElementById('credential') === null ? '' : valueOf('credential').replace(/\s/g, ''));

  function count(): string {
    const { length } = symbols();
    return length === 0 || length >= SYMBOLS ? '' : t('credential-count', { typed: length, all: SYMBOLS });
  }

  /** Says at once whether what was typed can be a credential, and once it is whole, whether it is one. */
  async function typed(): Promise<boolean> {
    const found = symbols();
    const turn = ++checking;
    const strange = Array.from(found).find((symbol) => values(symbol) === null);
    state(strange === undefined ? '' : t('credential-strange', { symbol: plain(strange) }), count());
    if (strange !== undefined || found.length < SYMBOLS) return false;
    try {
      await desk.ask('credential', { text: found });
    } catch (error) {
      if (turn === checking) state(messageOf(error), '');
      return false;
    }
    if (turn === checking) state('', t('credential-good'));
    return true;
  }

  function state(error: string, good: string): void {
    if (document.getElementById('credential') === null) return;
    fill(byId('credential-error'), error);
    byId('credential').setAttribute('aria-invalid', String(error !== ''));
    if (byId('credential-state').textContent !== good) byId('credential-state').textContent = good;
    if (error !== '') announce(error, true);
  }

  async function submit(): Promise<void> {
    if (!(await typed())) {
      const { length } = symbols();
      wrong('credential', byId('credential-error').textContent || t(length === 0 ? 'credential-missing' : 'credential-short', { typed: length, all: SYMBOLS }));
      return;
    }
    (byId('credential') as HTMLTextAreaElement).value = '';
    scanner?.stop();
    done();
  }

  /** Takes a text from a code, if it looks like a credential. */
  function take(text: string): boolean {
    if (normalise(text.trim()).length !== SYMBOLS || document.getElementById('credential') === null) return false;
    (byId('credential') as HTMLTextAreaElement).value = text.trim().slice(0, 60);
    void typed();
    return true;
  }

  async function look(): Promise<void> {
    scanner?.stop();
    try {
      scanner = await scan(t('credential-camera'), (text) => {
        const found = take(text);
        if (found) closeCamera();
        return found;
      });
      fill(byId('scanner'), scanner.view, button(t('credential-stop'), closeCamera, 'plain', { id: 'stop' }));
      announce(t('credential-camera'));
    } catch {
      state(t('credential-no-camera'), '');
    }
  }

  function closeCamera(): void {
    scanner?.stop();
    scanner = null;
    fill(byId('scanner'));
    byId('credential').focus();
  }

  async function picture(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file === undefined) return;
    const text = await readPicture(file);
    input.value = '';
    if (text === null || !take(text)) state(t('credential-no-code'), '');
    byId('credential').focus();
  }

  show(screen);
}

function messageOf(error: unknown): string {
  const { title, detail, next } = problemOf(error);
  return error instanceof Refused ? `${title}. ${detail} ${next}` : `${title}. ${next}`;
}
