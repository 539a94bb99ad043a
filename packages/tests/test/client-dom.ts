/** A page for React to render into, beside the globals of Node. To be imported before React. */
import { Window } from 'happy-dom';

const window = new Window({ url: 'http://localhost:3000/' });
const { document, navigator, HTMLElement, HTMLIFrameElement } = window;
for (const [name, value] of Object.entries({
  window,
  document,
  navigator,
  HTMLElement,
  HTMLIFrameElement,
})) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
