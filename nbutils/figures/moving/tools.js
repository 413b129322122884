// What stands at every picture's foot: copy a link to its state, show it alone on the screen, start again.
import { button, change, element, turnOff } from "./shared.js";

/** @import { CommonWords, Model, Page } from "./types" */

const SHOWN = 2500; // ms for which a button says what it did

/**
 * The values of those names.
 * @param {Model} model
 * @param {string[]} names
 * @returns {Record<string, unknown>}
 */
function valuesOf(model, names) {
  return Object.fromEntries(names.map((name) => [name, model.get(name)]));
}

/**
 * Whether two values of a state are the same; lists are compared by what they hold.
 * @param {unknown} one
 * @param {unknown} other
 */
const same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/**
 * The bar. show() tells it that the state has changed.
 * @param {Model} model
 * @param {HTMLElement} root of the picture; hears of a new start by the event "restart"
 * @param {CommonWords} words
 * @param {Page | undefined} page absent in a notebook, which has no address for a state
 */
export function tools(model, root, words, page) {
  const kept = /** @type {string[]} */ (model.get("_kept") ?? []), first = valuesOf(model, kept);
  const again = button(words.startAgain, () => {
    root.dispatchEvent(new Event("restart"));
    change(model, first);
  });
  const bar = element("div", { class: "tools" }, again);
  if (document.fullscreenEnabled) bar.prepend(fullScreen(root, words));
  if (page) bar.prepend(...linkTo(page, words));
  const show = () => turnOff(again, kept.every((name) => same(model.get(name), first[name])));
  return Object.assign(bar, { show });
}

/**
 * @param {HTMLElement} root
 * @param {CommonWords} words
 */
function fullScreen(root, words) {
  const made = button(words.full, () => {
    const done = document.fullscreenElement === root ? document.exitFullscreen() : root.requestFullscreen();
    done.catch(() => {}); // the browser or its user may say no: the picture stays where it is
  });
  root.addEventListener("fullscreenchange", () => {
    made.textContent = document.fullscreenElement === root ? words.leave : words.full;
  });
  return made;
}

/**
 * A button that copies the link; where nothing may be copied, a line to copy it from.
 * @param {Page} page
 * @param {CommonWords} words
 */
function linkTo(page, words) {
  const line = element("input", { type: "text", readonly: true, hidden: true, "aria-label": words.address });
  const told = element("span", { class: "unseen", role: "status" });
  /** @type {number | undefined} */
  let waiting;
  const made = button(words.link, async () => {
    const address = page.link();
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      Object.assign(line, { value: address, hidden: false });
      return line.select();
    }
    made.textContent = told.textContent = words.linked;
    clearTimeout(waiting);
    waiting = setTimeout(() => { [made.textContent, told.textContent] = [words.link, ""]; }, SHOWN);
  });
  return [line, made, told];
}

/**
 * Take over a state from a link or from memory. What can't be drawn is told, and taken back.
 * @param {Model} model
 * @param {HTMLElement} root
 * @param {HTMLElement} failed where that is told
 * @param {Record<string, unknown>} state
 * @param {() => void} redraw
 * @returns {boolean} whether it was taken
 */
export function adopt(model, root, failed, state, redraw) {
  const before = valuesOf(model, Object.keys(state));
  change(model, state);
  redraw();
  if (!root.classList.contains("broken")) return true;
  const told = failed.textContent;
  change(model, before);
  redraw();
  failed.textContent = told;
  failed.hidden = false;
  return false;
}
