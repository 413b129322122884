// The page "Your progress": what was done in each chapter, the exercises of a file, and what is kept, to save, to take
// back and to forget.
import { forget as forgetNetwork, found } from "../../nbutils/figures/moving/own.js";
import { button, element, fill, readable } from "../../nbutils/figures/moving/shared.js";
/** @import { Page } from "./types" */

/** @typedef {{ page: string, title: string, sections: string[], predictions: string[], exercises: string[] }} Chapter */
/** @typedef {{ tries: number, passed: boolean }} Exercise */

const MOST = 1 << 20; // bytes of a file

/** @param {Page} page */
export default function progress(page) {
  const place = document.getElementById("progress-here"), known = document.getElementById("course");
  if (!place || !known) return;
  /** @type {Chapter[]} */
  const course = JSON.parse(known.textContent);
  const said = element("p", { role: "status", class: "said" });
  const body = element("div");
  /** @param {File | undefined} file */
  const open = async (file) => {
    if (file) said.textContent = await take(file, course, page);
  };
  place.append(body, kept(page, said, open), said);
  const show = () => body.replaceChildren(chapters(course, page), exercises(course, page), network(page));
  addEventListener("remembered", show);
  addEventListener("network", show);
  addEventListener("storage", show);
  show();
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
}

/**
 * @param {string[]} heads
 * @param {(Node | string)[][]} rows
 */
function table(heads, rows) {
  return element("div", { class: "pst-scrollable-table-container" }, element("table", { class: "table" },
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {},
      element("th", { scope: "row" }, first), ...rest.map((cell) => element("td", {}, cell)))))));
}

/**
 * A count of a whole, with a bar.
 * @param {number} done
 * @param {number} all
 */
function share(done, all) {
  return element("span", { class: "share" }, element("progress", { max: Math.max(all, 1), value: done, "aria-hidden": "true" }),
    `${done} / ${all}`);
}

/**
 * @param {Chapter[]} course
 * @param {Page} page
 */
function chapters(course, { root, words, memory }) {
  const told = words.progress, counted = course.map(({ page, title, sections, predictions }) => {
    const read = memory.get(["read", page], []), asked = memory.get(["predictions", page], {});
    const made = predictions.map((id) => asked[id]).filter((one) => one?.said !== undefined);
    return { page, title, read: sections.filter((id) => read.includes(id)).length, sections: sections.length,
      made: made.length, predictions: predictions.length, right: made.filter((one) => one.right).length };
  });
  const total = counted.reduce((sum, one) => ({ ...sum, read: sum.read + one.read, sections: sum.sections + one.sections,
    made: sum.made + one.made, predictions: sum.predictions + one.predictions, right: sum.right + one.right }),
  { page: "", title: told.total, read: 0, sections: 0, made: 0, predictions: 0, right: 0 });
  const rows = [...counted, total].map((one) => [
    one.page ? element("a", { href: `${root}${one.page}.html` }, one.title) : element("strong", {}, one.title),
    share(one.read, one.sections), one.predictions ? share(one.made, one.predictions) : "", one.predictions ? String(one.right) : ""]);
  const made = element("section", {}, element("h2", { id: "chapters" }, told.chapters));
  if (!memory.lasts()) made.append(element("p", { class: "warned" }, told.not_saved));
  if (total.read + total.made === 0) made.append(element("p", {}, told.nothing));
  made.append(table([told.page, told.sections, told.predictions, told.right], rows));
  return made;
}

/**
 * The exercises of the last file that was opened here.
 * @param {Chapter[]} course
 * @param {Page} page
 */
function exercises(course, { root, words, memory }) {
  const told = words.progress, made = element("section", {}, element("h2", { id: "exercises" }, told.exercises));
  /** @type {Record<string, Exercise> | undefined} */
  const done = memory.get(["exercises"]);
  if (!done) {
    made.append(element("p", {}, told.exercises_none));
    return made;
  }
  const rows = course.filter((one) => one.exercises.length).map(({ page, title, exercises: all }) => {
    const solved = all.filter((name) => done[name]?.passed);
    const open = all.filter((name) => !done[name]?.passed).map((name) => (
      done[name]?.tries ? fill(told.tries, { name, tries: done[name].tries }) : name));
    return [element("a", { href: `${root}${page}.html` }, title), share(solved.length, all.length), open.join(", ")];
  });
  made.append(table([told.notebook, told.solved, told.open], rows));
  return made;
}

/**
 * The network that the reader has trained in a page, where one is kept.
 * @param {Page} page
 */
function network({ words }) {
  const told = words.progress, made = element("section", { hidden: true }, element("h2", { id: "network" }, told.network));
  found().then((kept) => {
    if (!kept) return;
    const size = readable(kept.file.byteLength / 1e6, 2);
    made.append(element("p", {}, fill(told.network_kept, { name: kept.name, date: kept.date.slice(0, 10), size })));
    made.hidden = false;
  });
  return made;
}

/**
 * Buttons to open, save and forget.
 * @param {Page} page
 * @param {HTMLElement} said
 * @param {(file: File | undefined) => void} open
 */
function kept({ words, memory }, said, open) {
  const told = words.progress, row = element("div", { class: "acts" });
  const input = element("input", { type: "file", accept: ".json,application/json", hidden: true, change: () => {
    open(input.files?.[0]);
    input.value = ""; // the same file may be opened again
  } });
  const save = () => {
    const address = URL.createObjectURL(new Blob([memory.exported()], { type: "application/json" }));
    element("a", { href: address, download: fill(told.file, { date: new Date().toISOString().slice(0, 10) }) }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const sure = element("span", { class: "sure", hidden: true }, `${told.forget_sure} `,
    button(told.forget_yes, async () => {
      memory.forget();
      await forgetNetwork();
      said.textContent = told.forgotten;
      sure.hidden = true;
    }), " ", button(told.keep, () => { sure.hidden = true; }));
  const forget = button(told.forget, () => {
    sure.hidden = false;
    sure.querySelector("button")?.focus();
  });
  row.append(button(told.open_file, () => input.click()), input, button(told.save, save), forget, sure);
  return row;
}

/**
 * Take what a file holds; the sentence that says what was done.
 * @param {File} file
 * @param {Chapter[]} course
 * @param {Page} page
 * @returns {Promise<string>}
 */
async function take(file, course, { words, memory }) {
  const told = words.progress, { name } = file;
  if (file.size > MOST) return fill(told.too_large, { name });
  const text = await file.text();
  if (memory.imported(text)) return fill(told.taken, { name });
  const read = solvedIn(text);
  if (read === "newer") return fill(told.newer, { name });
  if (!read) return fill(told.not_ours, { name });
  memory.set(["exercises"], read);
  const all = course.flatMap((one) => one.exercises);
  return fill(told.exercises_taken, { name, solved: all.filter((one) => read[one]?.passed).length, all: all.length });
}

/**
 * What nbutils/exercises/record.py has stored: which exercises are solved, after how many tries. No code is taken.
 * @param {string} text
 * @returns {Record<string, Exercise> | "newer" | null}
 */
function solvedIn(text) {
  try {
    const { version, exercises: entries } = JSON.parse(text);
    if (typeof version !== "number" || typeof entries !== "object" || !entries) return null;
    if (version > 1) return "newer";
    return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name,
      { tries: Number(entry.tries) || 0, passed: Boolean(entry.passed) }]));
  } catch {
    return null;
  }
}
