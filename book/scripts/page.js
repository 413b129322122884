// What every page runs. Each part looks for what it needs on the page and leaves alone what isn't there; where one
// fails, the others go on. Words stand before this script: see authoring/extensions/page_scripts.py.
import * as memory from "./memory.js";
import arrival from "./arrival.js";
import contents from "./contents.js";
import languages from "./languages.js";
import predictions from "./predictions.js";
import progress from "./progress.js";
import scrollers from "./scrollers.js";
import sections from "./sections.js";
import terms from "./terms.js";
/** @import { Page } from "./types" */

const script = /** @type {HTMLScriptElement & { words: Page["words"] }} */ (document.currentScript);
/** @type {Page} */
const page = {
  name: script.dataset.page ?? "",
  root: script.dataset.root ?? "",
  words: script.words,
  memory,
};
window.nextToken = { memory, page: page.name };

for (const part of [contents, languages, predictions, sections, progress, scrollers, terms, arrival]) {
  try {
    part(page);
  } catch (error) {
    document.documentElement.classList.remove("scripted"); // nothing stays hidden that no script would show
    reportError(error);
  }
}
