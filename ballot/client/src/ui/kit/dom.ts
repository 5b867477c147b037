/** Elements without markup: no text ever becomes HTML, so no text can become a script. */

export type Child = Node | string | number | null | undefined | false | readonly Child[];
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined | ((event: never) => void)>>;

const SVG = 'http://www.w3.org/2000/svg';
/** Where a link may lead: within this origin, to a telephone, or to something the page itself made. */
const LINKS = /^(?:\/(?!\/)|#|tel:|mailto:|blob:|otpauth:)/;

/** An HTML element. Attributes `on...` are listeners; `false`, `null` and `undefined` leave an attribute out, `true`
 * sets it without a value. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts children in the place of whatever an element has. */
export function fill(element: Element, ...children: Child[]): void {
  element.textContent = '';
  append(element, children);
}

/** The element with an id, which is there. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new RangeError(`no element ${id}`);
  return found;
}

function filled<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') {
      element.addEventListener(name.slice('on'.length), value as EventListener);
      continue;
    }
    if (name.startsWith('on')) throw new RangeError(`${name}: a listener is a function`);
    if (name === 'href' && !LINKS.test(String(value))) throw new RangeError(`no link there: ${String(value).slice(0, 40)}`);
    element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child as readonly Child[]);
    else element.append(typeof child === 'number' ? String(child) : (child as Node | string));
  }
}
