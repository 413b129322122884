// A term of the glossary shows its sentence where the pointer or the focus is on it, or at a finger's first touch;
// Escape takes it away. The sentences are fetched when they are first wanted. See authoring/extensions/terms.py.
import { element } from "../../nbutils/figures/moving/shared.js";
/** @import { Page } from "./types" */

const WAIT = 150; // ms for which a pointer rests before a sentence comes or goes
const GAP = 6; // pixels between a term and its sentence

/** @param {Page} page */
export default function terms({ words }) {
  const address = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=terms]"))?.content;
  const article = document.querySelector("article.bd-article");
  if (!address || !article) return;
  const sentence = element("span"), more = element("a", { tabindex: -1 }, words.terms.more);
  const box = element("div", { class: "term-told", id: "term-told", role: "tooltip", hidden: true }, sentence, " ", more);
  document.body.append(box);
  /** @type {Told} */
  const told = {
    box,
    term: null,
    hide() {
      told.term?.removeAttribute("aria-describedby");
      told.term = null;
      box.hidden = true;
    },
    async show(term) {
      if (told.term === term) return;
      told.hide();
      told.term = term;
      const words = (await sentences(address))[term.dataset.term ?? ""];
      if (told.term !== term || !words) return;
      sentence.textContent = words;
      more.href = term.href;
      box.hidden = false;
      place(box, term);
      term.setAttribute("aria-describedby", box.id);
    },
  };
  followPointer(article, told);
  followFocusAndTouch(article, told);
  document.addEventListener("pointerdown", ({ target }) => {
    if (target instanceof Node && !box.contains(target) && !told.term?.contains(target)) told.hide();
  });
}

/**
 * The box with a sentence, and the term that it is about.
 * @typedef {object} Told
 * @property {HTMLElement} box
 * @property {HTMLAnchorElement | null} term
 * @property {() => void} hide
 * @property {(term: HTMLAnchorElement) => Promise<void>} show
 */

/**
 * A mouse that rests on a term, or goes on to its sentence.
 * @param {Element} article
 * @param {Told} told
 */
function followPointer(article, { box, show, hide }) {
  let timer = 0;
  /** @param {() => void} act */
  const soon = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, WAIT);
  };
  article.addEventListener("pointerover", (event) => {
    const term = termAt(event);
    if (term && byMouse(event)) soon(() => show(term));
  });
  article.addEventListener("pointerout", (event) => {
    if (termAt(event) && byMouse(event)) soon(hide);
  });
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => soon(hide));
}

/**
 * A focus that comes by keyboard; a finger, whose second touch follows the link; Escape.
 * @param {Element} article
 * @param {Told} told
 */
function followFocusAndTouch(article, told) {
  let touched = false;
  article.addEventListener("pointerdown", (event) => { touched = !byMouse(event); });
  article.addEventListener("focusin", (event) => {
    const term = termAt(event);
    if (term && !touched) told.show(term);
  });
  article.addEventListener("focusout", (event) => {
    if (termAt(event) && !touched) told.hide();
  });
  article.addEventListener("click", (event) => {
    const term = termAt(event);
    if (!term || !touched || told.term === term) return;
    event.preventDefault();
    told.show(term);
  });
  document.addEventListener("keydown", ({ key }) => {
    touched = false;
    if (key === "Escape") told.hide();
  });
}

/** @param {Event} event */
function byMouse(event) {
  return event instanceof PointerEvent && event.pointerType === "mouse";
}

/**
 * The term that an event is about.
 * @param {Event} event
 */
function termAt({ target }) {
  return target instanceof Element ? /** @type {HTMLAnchorElement | null} */ (target.closest("a.term")) : null;
}

/** @type {Promise<Record<string, string>> | null} */
let fetched = null;

/**
 * Each term's sentence; none where they can't be fetched. A script brings them, since a page on a disk may fetch no file.
 * @param {string} address
 */
function sentences(address) {
  fetched ??= new Promise((resolve) => {
    const script = /** @type {HTMLScriptElement & { content?: Record<string, string> }} */ (element("script", { src: address }));
    script.addEventListener("load", () => resolve(script.content ?? {}));
    script.addEventListener("error", () => {
      fetched = null;
      resolve({});
    });
    document.head.append(script);
  });
  return fetched;
}

/**
 * Put the box below the term, or above it where there is no room; within the window.
 * @param {HTMLElement} box
 * @param {HTMLElement} term
 */
function place(box, term) {
  const [line] = term.getClientRects(), width = document.documentElement.clientWidth;
  const below = line.bottom + GAP, fits = below + box.offsetHeight <= innerHeight;
  const left = Math.max(GAP, Math.min(line.left, width - box.offsetWidth - GAP));
  box.style.left = `${left + scrollX}px`;
  box.style.top = `${(fits ? below : line.top - GAP - box.offsetHeight) + scrollY}px`;
}
