// Runs the moving pictures of a page without a kernel. It speaks anywidget's front-end interface:
// a picture's script is the same in Jupyter, and finds the same model there. Files come by script
// elements where a page was opened from a disk: browsers refuse import() and fetch() there.
"use strict";
/** @import { Listener, Memory, Page } from "../../nbutils/figures/moving/types" */
{
  /** @type {(words: string, error: unknown) => string} */
  const say = (words, error) => words.replace("{error}", error instanceof Error ? error.message : String(error));

  class Model {
    /**
     * @param {Record<string, any>} state
     * @param {URL} folder of the book's files
     */
    constructor(state, folder) {
      this.state = state;
      this.folder = folder;
      /** @type {Map<string, Listener[]>} */
      this.listeners = new Map();
    }
    /** @param {string} name */
    get(name) {
      return this.state[name];
    }
    /**
     * @param {string} name
     * @param {unknown} value
     */
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      this.emit(`change:${name}`, this, value);
      this.emit("change", this);
    }
    save_changes() {} // nobody else holds this state
    /**
     * @param {string} names separated by spaces
     * @param {Listener} listener
     */
    on(names, listener) {
      for (const name of names.split(" ")) this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    }
    /**
     * @param {string} [names] separated by spaces; all listeners without them
     * @param {Listener} [listener]
     */
    off(names, listener) {
      if (!names) this.listeners.clear();
      else for (const name of names.split(" ")) {
        this.listeners.set(name, (this.listeners.get(name) ?? []).filter((one) => listener && one !== listener));
      }
    }
    /**
     * @param {string} name
     * @param {unknown[]} values
     */
    emit(name, ...values) {
      for (const listener of this.listeners.get(name) ?? []) listener(...values);
    }
    /**
     * Where a kernel would answer: the resource that the script asks for is a file of the book.
     * @param {{ resource: string }} request
     */
    async send({ resource }) {
      try {
        const name = this.state._resources[resource];
        const bytes = location.protocol === "file:" ? decoded(await loaded(new URL(`${name}.js`, this.folder)))
          : await fetched(new URL(`${name}.bin`, this.folder));
        this.emit("msg:custom", { resource }, [new DataView(bytes)]);
      } catch (error) {
        this.emit("msg:custom", { resource, error: say(this.state._words.missing, error) }, []);
      }
    }
  }

  // The page as one picture has it: what is remembered of it, and its link. A link is the page's address with a
  // fragment that names the picture and what is changed in it: #picture=heads&token=3&masked=false
  class Place {
    /**
     * @param {HTMLElement} place
     * @param {Model} model
     * @param {string} name
     */
    constructor(place, model, name) {
      this.place = place;
      this.model = model;
      this.name = name;
      const kept = /** @type {string[]} */ (model.get("_kept") ?? []);
      this.first = new Map(kept.map((one) => [one, model.get(one)]));
      this.path = ["pictures", window.nextToken?.page || PAGE, name];
      /** @type {number | undefined} */
      this.waiting = undefined;
      /** @type {string | null} what a link or memory has changed, as long as the reader has not gone on from it */
      this.taken = null;
      this.taking = false;
    }
    /** What the reader has changed: by name. */
    changes() {
      const now = [...this.first.keys()].map((name) => [name, this.model.get(name)]);
      return Object.fromEntries(now.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.first.get(name))));
    }
    link() {
      const said = Object.entries(this.changes()).map(([name, value]) =>
        [name, typeof value === "string" ? value : JSON.stringify(value)]);
      return `${location.href.split("#")[0]}#${new URLSearchParams([["picture", this.name], ...said])}`;
    }
    /** What the page's address asks of this picture; null if it names another, or none. */
    asked() {
      const said = new URLSearchParams(location.hash.slice(1));
      if (said.get("picture") !== this.name) return null;
      const known = [...said].filter(([name]) => this.first.has(name));
      return Object.fromEntries(known.map(([name, text]) => [name, typeof this.first.get(name) === "string" ? text : parsed(text)]));
    }
    /** @param {(state: Record<string, unknown>) => boolean} adopt */
    ready(adopt) {
      /** @param {Record<string, unknown>} state */
      const take = (state) => {
        this.taking = true;
        const good = adopt(state);
        [this.taking, this.taken] = [false, JSON.stringify(this.changes())];
        return good;
      };
      const asked = this.asked(), before = memory()?.get(this.path, null) ?? {};
      const known = Object.entries(before).filter(([name]) => this.first.has(name));
      if (asked) take(asked);
      else if (known.length && !take(Object.fromEntries(known))) this.remember();
      this.model.on("change", () => this.changed());
      addEventListener("pagehide", () => this.waiting && this.remember());
      addEventListener("hashchange", () => {
        const now = this.asked();
        if (!now) return;
        take({ ...Object.fromEntries(this.first), ...now });
        this.show();
      });
    }
    /** What the reader goes on to is remembered; a reload shall find that, and not what a link has shown. */
    changed() {
      if (this.taking || JSON.stringify(this.changes()) === this.taken) return;
      this.taken = null;
      if (this.asked()) history.replaceState(history.state, "", location.href.split("#")[0]);
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.remember(), SOON);
    }
    remember() {
      clearTimeout(this.waiting);
      this.waiting = undefined;
      const changes = this.changes();
      memory()?.set(this.path, Object.keys(changes).length ? changes : undefined);
    }
    /** Bring it in sight, and the keyboard to it. */
    show() {
      const picture = this.place.querySelector("[role=group]");
      this.place.scrollIntoView();
      if (!(picture instanceof HTMLElement)) return;
      picture.tabIndex = -1;
      picture.focus({ preventScroll: true });
    }
  }

  const SOON = 300; // ms after a change, until it is remembered
  /** The page's name in the book, as memory knows it: notebooks/05_inference. */
  const PAGE = location.href.split(/[?#]/)[0].slice(new URL(document.documentElement.dataset.content_root ?? "./", document.baseURI).href.length)
    .replace(/(\.html)?$/, "") || "index";
  /** @returns {Memory | undefined} absent where the page's own scripts are */
  const memory = () => window.nextToken?.memory;

  /** @param {string} text */
  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text; // the picture says what is wrong with it
    }
  }

  /** @type {Promise<unknown>} all scripts of the page have run, and so its memory is there */
  const scripts = document.readyState === "complete" ? Promise.resolve()
    : new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));

  /** @param {URL} address */
  async function fetched(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.arrayBuffer();
  }

  /** @param {string} base64 */
  const decoded = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;

  /**
   * What a script leaves with its own element.
   * @param {URL} address
   * @returns {Promise<any>}
   */
  function loaded(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const missing = () => reject(new Error(address.pathname.split("/").pop()));
      script.onload = () => "content" in script ? resolve(script.content) : missing();
      script.onerror = missing;
      script.src = address.href;
      document.head.append(script);
    });
  }

  /**
   * @param {HTMLElement} place
   * @param {string} name of the picture in this page
   * @returns {Promise<Place | undefined>} none if the picture can't be moved
   */
  async function start(place, name) {
    const summary = /** @type {Element} */ (place.querySelector("p")), view = document.createElement("div");
    /** @type {Record<string, any> | undefined} */
    let state;
    try {
      state = /** @type {Record<string, any>} */ (JSON.parse(place.querySelector("script")?.textContent ?? ""));
      const { later } = place.dataset; // what is too large to stand in the page
      if (later) Object.assign(state, await loaded(new URL(later, document.baseURI)));
      const script = new URL(place.dataset.script ?? "", document.baseURI);
      const model = new Model(state, script);
      let [widget] = await Promise.all([loaded(script), scripts]);
      if (typeof widget === "function") widget = await widget();
      await widget.initialize?.({ model });
      const page = new Place(place, model, name), stop = await widget.render({ model, el: view, page });
      addEventListener("pagehide", (event) => event.persisted || stop?.());
      summary.replaceWith(view);
      Object.assign(place, { model }); // for the console and tests
      place.dataset.ready = performance.now().toFixed(0);
      place.dataset.state = "moves";
      return page;
    } catch (error) {
      const told = document.createElement("p");
      told.textContent = say(state?._words?.unmoved ?? "{error}", error);
      summary.after(told);
      place.dataset.state = "failed";
    }
  }

  const AHEAD = "100%"; // of a screen: so far before it comes into view a picture starts
  /** @type {Map<HTMLElement, string>} those that have not started. Each has its module's name; the second of a kind is name-2. */
  const waiting = new Map();
  const coming = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting && target instanceof HTMLElement) begin(target);
  }, { rootMargin: `${AHEAD} 0%` });

  /**
   * Start a picture, once.
   * @param {HTMLElement} place
   */
  function begin(place) {
    const name = waiting.get(place);
    if (!name) return undefined;
    waiting.delete(place);
    coming.unobserve(place);
    return start(place, name);
  }

  /** A link to a picture's state, and paper, need all of them: those above have their height then. */
  async function beginAll() {
    const started = await Promise.all([...waiting.keys()].map(begin));
    started.find((page) => page?.asked())?.show();
  }

  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".moving-picture"))) {
    const kind = place.dataset.picture?.split(".").at(-2) ?? "", number = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, number);
    waiting.set(place, number > 1 ? `${kind}-${number}` : kind);
    coming.observe(place);
  }
  const named = () => new URLSearchParams(location.hash.slice(1)).has("picture");
  if (named()) beginAll();
  addEventListener("hashchange", () => named() && beginAll());
  addEventListener("beforeprint", beginAll);
}
