// Which sections were read, and where the reader stopped. A section counts as read when its end has been in the window
// for a second: scrolled past is not read.
import { element, fill } from "../../nbutils/figures/moving/shared.js";
/** @import { Page } from "./types" */

const WAIT = 1000; // ms

/** @param {Page} page */
export default function sections(page) {
  goOn(page);
  if (!page.name.startsWith("notebooks/")) return;
  const article = document.querySelector("article.bd-article > section");
  const found = [...(article?.querySelectorAll(":scope > section[id]") ?? [])];
  if (found.length === 0) return;
  watch(found, page);
  const summed = element("p", { class: "on-this-page" });
  article?.append(summed);
  const show = () => {
    summed.replaceChildren(summary(found, page), " ", element("a", { href: `${page.root}book/progress.html` },
      page.words.progress.yours));
    tick(found, page);
  };
  addEventListener("remembered", show);
  addEventListener("storage", show); // what another tab remembers
  show();
}

/**
 * @param {Element[]} found
 * @param {Page} page
 */
function watch(found, { name, memory }) {
  /** @type {Map<Element, number>} */
  const waiting = new Map();
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(waiting.get(target));
      if (isIntersecting) waiting.set(target, setTimeout(() => read(target), WAIT));
    }
  });
  /** @type {Map<Element, Element>} the last element of a section -> the section */
  const ends = new Map(found.map((section) => [section.lastElementChild ?? section, section]));
  for (const end of ends.keys()) seen.observe(end);
  /** @param {Element} end */
  const read = (end) => {
    if (document.hidden) return;
    const section = /** @type {Element} */ (ends.get(end));
    seen.unobserve(end);
    if (!memory.get(["read", name], []).includes(section.id)) {
      memory.set(["read", name], [...memory.get(["read", name], []), section.id]);
    }
    const next = found[found.indexOf(section) + 1] ?? section;
    memory.set(["last"], { page: name, section: next.id, title: titled(document.querySelector("article h1")),
      heading: titled(next.querySelector("h2")) });
  };
}

/**
 * A heading's words, without the sign that links to it.
 * @param {Element | null} heading
 */
function titled(heading) {
  const copy = /** @type {Element | undefined} */ (heading?.cloneNode(true));
  copy?.querySelectorAll("a.headerlink, .minute").forEach((sign) => sign.remove());
  return copy?.textContent.trim() ?? "";
}

/**
 * What was done on this page, in a sentence.
 * @param {Element[]} found
 * @param {Page} page
 */
function summary(found, { name, words, memory }) {
  const told = words.progress, read = memory.get(["read", name], []);
  const asked = [...document.querySelectorAll(".prediction")].map((place) => place.id);
  const made = asked.map((id) => memory.get(["predictions", name, id])).filter((one) => one?.said !== undefined);
  return fill(asked.length ? told.on_this_page : told.on_this_page_read, { predictions: asked.length, predicted: made.length,
    right: made.filter((one) => one.right).length, sections: found.length,
    read: found.filter((section) => read.includes(section.id)).length });
}

/**
 * Mark what was read in the page's contents.
 * @param {Element[]} found
 * @param {Page} page
 */
function tick(found, { name, words, memory }) {
  const read = memory.get(["read", name], []);
  for (const { id } of found) {
    const link = document.querySelector(`.bd-sidebar-secondary a[href="#${CSS.escape(id)}"]`);
    if (!link) continue;
    const ticked = link.querySelector(".was-read");
    if (!read.includes(id)) ticked?.remove();
    else if (!ticked) link.append(element("span", { class: "was-read", role: "img", "aria-label": words.progress.read_here }));
  }
}

/**
 * On the first page: a link to where the reader stopped.
 * @param {Page} page
 */
function goOn({ root, words, memory }) {
  const place = document.getElementById("go-on"), last = memory.get(["last"]);
  if (!place || !last?.page) return;
  const words_ = [last.title, last.heading].filter(Boolean).join(" · ");
  place.replaceChildren(`${words.progress.go_on} `,
    element("a", { href: `${root}${last.page}.html#${encodeURIComponent(last.section ?? "")}` }, words_ || last.page));
  place.hidden = false;
}
