/** What a screen reader says without being asked, and where the keyboard goes. */

import { byId, h } from './dom.ts';

/** The two live regions, which must stand in the page before anything is said. */
export const regions = (): HTMLElement[] => [
  h('div', { id: 'said', class: 'unseen', role: 'status', 'aria-live': 'polite' }),
  h('div', { id: 'urged', class: 'unseen', role: 'alert', 'aria-live': 'assertive' }),
];

/** Says something once the reader is free, or at once where it is urgent. */
export function announce(text: string, urgent = false): void {
  const region = byId(urgent ? 'urged' : 'said');
  // The same words twice are a change only if the region was empty in between.
  region.textContent = '';
  setTimeout(() => (region.textContent = text), 50);
}

/** Brings the keyboard, and what is seen, to an element. */
export function focusOn(element: HTMLElement): void {
  if (!element.matches('a[href], button, input, select, textarea')) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: 'nearest' });
}
