/** Parts of forms: labelled fields that say what is wrong with them, buttons, progress. */

import { t } from '../../texts/index.ts';
import { focusOn } from './announce.ts';
import { byId, fill, h, type Attributes, type Child } from './dom.ts';

export interface Field {
  readonly id: string;
  readonly label: string;
  readonly hint?: Child;
  readonly attributes?: Attributes;
  /** A secret that may be shown while it is typed. */
  readonly secret?: boolean;
  /** More than one line to see it in, though it is one text. */
  readonly lines?: number;
  /** What stands beside the field, such as a counter. */
  readonly after?: Child;
}

/** A labelled field. Its hint and its error are read with it. */
export function field({ id, label, hint, attributes = {}, secret = false, lines = 1, after }: Field): HTMLElement {
  const common = { id, name: id, 'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-error`, autocapitalize: 'none', spellcheck: 'false', ...attributes };
  const input = lines > 1 ? h('textarea', { ...common, rows: lines, onkeydown: submitOnEnter }) : h('input', { type: secret ? 'password' : 'text', ...common });
  return h('div', { class: 'field' },
    h('label', { for: id }, label),
    hint ? h('p', { id: `${id}-hint`, class: 'hint' }, hint) : null,
    h('div', { class: 'line' }, input, input instanceof HTMLInputElement && secret && reveal(input)),
    h('p', { id: `${id}-error`, class: 'wrong' }),
    after,
  );
}

/** Says what is wrong with a field, and brings the keyboard to it; an empty text takes it back. */
export function wrong(id: string, text: string): void {
  const input = byId(id);
  fill(byId(`${id}-error`), text);
  if (text === '') return input.removeAttribute('aria-invalid');
  input.setAttribute('aria-invalid', 'true');
  focusOn(input);
}

/** What stands in a field. */
export const valueOf = (id: string): string => (byId(id) as HTMLInputElement | HTMLTextAreaElement).value;

/** A button; `kind` is `main` for the one that goes on. */
export function button(label: Child, onclick: () => void, kind: 'main' | 'plain' | 'quiet' = 'plain', attributes: Attributes = {}): HTMLButtonElement {
  return h('button', { type: 'button', class: kind, onclick, ...attributes }, label);
}

/** A form that the browser never sends by itself. While `submit` runs its button says so and does nothing. */
export function form(submit: () => Promise<void>, ...children: Child[]): HTMLFormElement {
  const made = h('form', {
    novalidate: true,
    onsubmit: (event: Event) => {
      event.preventDefault();
      if (made.getAttribute('aria-busy') === 'true') return;
      made.setAttribute('aria-busy', 'true');
      void submit().finally(() => made.removeAttribute('aria-busy'));
    },
  }, ...children);
  return made;
}

/** Work of unknown length. The words change in place. */
export function progress(id: string, text: string): HTMLElement {
  return h('div', { class: 'progress' }, h('div', { class: 'moving', 'aria-hidden': 'true' }, h('span')), h('p', { id, role: 'status' }, text));
}

function submitOnEnter(event: KeyboardEvent): void {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.querySelector<HTMLButtonElement>('button[type=submit]')?.click();
}

function reveal(input: HTMLInputElement): HTMLElement {
  const toggle = button(t('show'), () => {
    const hidden = input.type === 'password';
    input.type = hidden ? 'text' : 'password';
    toggle.textContent = t(hidden ? 'hide' : 'show');
    toggle.setAttribute('aria-pressed', String(hidden));
  }, 'quiet', { 'aria-controls': input.id, 'aria-pressed': 'false' });
  return toggle;
}
