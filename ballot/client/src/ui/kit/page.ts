/** The frame of every page, and the one screen that stands in it at a time. */

import { sha256 } from '@noble/hashes/sha2.js';
import { shown } from '../../core/tracker.ts';
import { language, onLanguage, setLanguage, t, type Language } from '../../texts/index.ts';
import { announce, focusOn, regions } from './announce.ts';
import { call, download } from './api.ts';
import { byId, fill, h, type Child } from './dom.ts';
import { plain } from './plain.ts';

/** A step that the voter sees. Both functions are called anew whenever the language changes. */
export interface Screen {
  /** What the window and the heading say. */
  title(): string;
  /** What stands below the heading. */
  body(): Child;
  /** Where the browser's own way back leads; without it the page is left. */
  back?(): void;
  /** The page's type: `wide` for a ballot. */
  readonly wide?: boolean;
}

const TYPED = 'main input[id]:not([type=checkbox]):not([type=radio]):not([type=file]), main textarea[id]';
const MAX_LIST_BYTES = 1 << 20;
let screen: Screen | null = null;
let digest: string | null = null;
let contact: string | null = null;
let prefix = (): string => '';

/** Builds the frame. Call it once, first. `notice` stands between header and content, such as a session's clock; `prefix`
 * before the window's title. */
export function openPage(options: { readonly notice?: () => Child; readonly prefix?: () => string } = {}): void {
  prefix = options.prefix ?? prefix;
  const draw = (): void => {
    document.documentElement.lang = language() === 'es' ? 'es-MX' : 'en';
    fill(byId('header'), header());
    fill(byId('notice'), options.notice?.());
    fill(byId('footer'), footer());
  };
  fill(document.body,
    h('a', { class: 'skip', href: '#main', onclick: skip }, h('span', { id: 'skip' })),
    h('header', { id: 'header' }),
    h('div', { id: 'notice' }),
    h('main', { id: 'main' }),
    h('footer', { id: 'footer' }),
    ...regions(),
  );
  onLanguage(() => keepingInputs(() => {
    draw();
    if (screen !== null) drawScreen(screen);
  }));
  draw();
  addEventListener('popstate', () => {
    // Another fragment is a way on, not back: whoever reads it takes it away.
    if (location.hash !== '') return;
    if (screen?.back === undefined) return history.back();
    history.pushState(null, '');
    screen.back();
  });
  // A page that the browser kept whole and shows again would show what was wiped elsewhere.
  addEventListener('pageshow', (event) => event.persisted && location.reload());
  void showDigest();
  void showContact();
}

/** Shows a screen in the place of the one before, and brings the keyboard to its heading. */
export function show(next: Screen): void {
  if (screen !== null && next.back !== undefined && screen.back === undefined) history.pushState(null, '');
  drawScreen(next);
  screen = next;
  focusOn(byId('heading'));
  scrollTo(0, 0);
}

/** Draws the current screen again with what was typed and where the keyboard is. */
export function redraw(): void {
  if (screen !== null) keepingInputs(() => drawScreen(screen!));
}

/** Whether this screen is still the one that is shown: what took long may come too late. */
export const isShown = (one: Screen): boolean => screen === one;

function drawScreen(one: Screen): void {
  byId('skip').textContent = t('skip');
  document.title = `${prefix()}${one.title()} · ${t('brand')}`;
  const main = byId('main');
  main.className = one.wide === true ? 'wide' : '';
  fill(main, h('h1', { id: 'heading', tabindex: -1 }, one.title()), one.body());
}

/** Draws, and puts back what was typed; what was ticked is for whoever draws to know. */
function keepingInputs(draw: () => void): void {
  const typed = new Map<string, string>();
  for (const input of document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(TYPED)) {
    typed.set(input.id, input.value);
  }
  const active = document.activeElement?.id;
  draw();
  for (const [id, value] of typed) {
    const input = document.getElementById(id);
    if (input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) input.value = value;
  }
  if (active) document.getElementById(active)?.focus({ preventScroll: true });
}

function skip(event: Event): void {
  event.preventDefault();
  focusOn(byId('heading'));
}

function header(): Child {
  return h('div', { class: 'bar' },
    h('p', { class: 'brand' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), h('span', {}, h('strong', {}, 'VeMRE'), ' ', h('span', { class: 'wide-only' }, t('brand')))),
    h('div', { class: 'languages', role: 'group', 'aria-label': t('language-label') }, choice('es'), choice('en')),
  );
}

function choice(one: Language): HTMLElement {
  return h('button', {
    type: 'button', id: `language-${one}`, class: 'quiet', lang: one, 'aria-pressed': String(language() === one),
    onclick: () => {
      setLanguage(one);
      announce(t(`language-${one}`));
    },
  }, t(`language-${one}`));
}

function footer(): Child {
  return h('div', { class: 'foot' },
    h('p', {}, h('strong', {}, t('help-title')), ' ', contact === null ? t('help') : t('help-contact', { contact }), ' ', t('help-never')),
    digest !== null && h('details', {}, h('summary', {}, t('page-digest')), h('p', { class: 'code', id: 'page-digest' }, digest), h('p', {}, t('page-digest-why')),
      h('p', {}, t('page-digest-compare'), ' ', h('a', { href: '/assets.json', target: '_blank', rel: 'noopener' }, t('page-digest-list'), h('span', { class: 'unseen' }, ` (${t('opens-new')})`)))),
  );
}

/** The digest of everything that the page is made of, as the ballot box says it; what auditors compare is public. */
async function showDigest(): Promise<void> {
  const list = await download('/assets.json', MAX_LIST_BYTES).catch(() => null);
  if (list === null) return;
  digest = shown(sha256(list));
  fill(byId('footer'), footer());
}

/** Where the voter gets help, if the ballot box says so. */
async function showContact(): Promise<void> {
  const found = (await call('GET', '/help', { repeat: false }).catch(() => null)) as { contact?: unknown } | null;
  if (typeof found?.contact !== 'string') return;
  contact = plain(found.contact);
  fill(byId('footer'), footer());
}
