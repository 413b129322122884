// What Sphinx's search shows, and in which order: the section that explains a term comes first (the index names it;
// see authoring/extensions/finding.py), each hit says its section, and its words are those of the running text.
"use strict";
/**
 * As searchtools.js has it: document, title, anchor, description, score, file.
 * @typedef {[string, string, string, string | null, number, string]} Hit
 */
/**
 * @typedef {object} Index
 * @property {string[]} docnames
 * @property {string[]} titles
 * @property {Record<string, [number, string | null][]>} alltitles
 * @property {Record<string, [number, string, boolean][]>} indexentries
 */
{
  const GLOSSARY = "book/glossary", CHAPTER = /^notebooks\/\w+$/, EXPLAINED = 50;
  const LENGTH = 240, BEFORE = 100; // characters of what is shown of a hit, and of those before its word

  /** @type {Map<string, string>} the titles of sections, by document and anchor */
  const sections = new Map();

  /**
   * A term of the glossary: the index has it in small letters, its anchor has English ones as they are written.
   * @param {string} words
   * @param {string} id
   */
  function spelled(words, id) {
    const own = id.replace("term-", "").replaceAll("-", " ").slice(0, words.length);
    return own.toLowerCase() === words.replaceAll("-", " ") ? own : words;
  }

  /** @param {Hit} hit */
  function named(hit) {
    const [page, title, anchor] = hit, index = /** @type {Index} */ (Search._index);
    if (!sections.size) {
      for (const [words, places] of Object.entries(index.alltitles)) {
        for (const [file, id] of places) if (id) sections.set(`${index.docnames[file]}#${id}`, words);
      }
      for (const [words, places] of Object.entries(index.indexentries)) {
        for (const [file, id] of places) if (index.docnames[file] === GLOSSARY) sections.set(`${GLOSSARY}#${id}`, spelled(words, id));
      }
    }
    const section = sections.get(page + anchor);
    if (section && !title.includes(" > ")) return `${title} > ${section}`;
    return title;
  }

  /**
   * A chapter's section that explains the word, then the glossary's sentence, then titles, then the rest.
   * @param {Hit} hit
   */
  function score(hit) {
    const [page, , anchor, , points] = hit;
    hit[1] = named(hit);
    if (points < EXPLAINED) return points + (CHAPTER.test(page) ? 2 : 0);
    return points + (CHAPTER.test(page) ? 2 * EXPLAINED : page === GLOSSARY && anchor ? EXPLAINED : 0);
  }

  /**
   * The running text of a page, or of what the anchor names: without code, tables of what ran, and menus.
   * @param {string} html
   * @param {string} anchor
   */
  function text(html, anchor) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const article = parsed.querySelector("article") ?? parsed.body;
    const at = anchor ? parsed.getElementById(decodeURIComponent(anchor.slice(1))) : null;
    const place = at?.tagName === "DT" ? at.nextElementSibling ?? at : at ?? article;
    place.querySelectorAll("script, style, svg, pre, .headerlink, .moving-picture, .doors, .minute, .feedback, h1, h2, h3, summary, .cell_output")
      .forEach((part) => part.remove());
    return (place.textContent ?? "").replace(/\s+/g, " ").trim();
  }

  /**
   * The words around the first place that has one of those that were asked for, from where a word begins.
   * @param {string} html
   * @param {Set<string>} keywords
   * @param {string} anchor
   */
  function summary(html, keywords, anchor) {
    const words = text(html, anchor), lower = words.toLowerCase();
    const places = [...keywords].map((word) => lower.indexOf(word.toLowerCase())).filter((place) => place >= 0);
    const near = Math.max(0, (places.length ? Math.min(...places) : 0) - BEFORE);
    const start = near && words.indexOf(" ", near) + 1;
    const end = start + LENGTH < words.length ? words.lastIndexOf(" ", start + LENGTH) : words.length;
    const shown = document.createElement("p");
    shown.className = "context";
    shown.textContent = `${start ? "… " : ""}${words.slice(start, end)}${end < words.length ? " …" : ""}`;
    return shown;
  }

  const perform = Search._performSearch;
  /**
   * Of a plural that is no term, the term.
   * @param {string} query
   * @param {unknown[]} rest
   */
  function find(query, ...rest) {
    const known = /** @type {Index} */ (Search._index).indexentries, asked = query.toLowerCase().trim(), one = asked.replace(/s$/, "");
    return perform(!(asked in known) && one in known ? one : query, ...rest);
  }

  Scorer.score = score;
  Object.assign(Search, { makeSearchSummary: summary, htmlToText: text, _performSearch: find });
}
