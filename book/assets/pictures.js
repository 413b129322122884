// Runs the moving pictures of a page without a kernel. It speaks anywidget's front-end interface:
// a picture's script is the same in Jupyter, and finds the same model there. Files come by script
// elements where a page was opened from a disk: browsers refuse import() and fetch() there.
"use strict";
/** @import { Listener } from "../../nbutils/figures/moving/types" */
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

  /** @param {HTMLElement} place */
  async function start(place) {
    const summary = /** @type {Element} */ (place.querySelector("p")), view = document.createElement("div");
    /** @type {Record<string, any> | undefined} */
    let state;
    try {
      state = /** @type {Record<string, any>} */ (JSON.parse(place.querySelector("script")?.textContent ?? ""));
      const script = new URL(place.dataset.script ?? "", document.baseURI);
      const model = new Model(state, script);
      let widget = await loaded(script);
      if (typeof widget === "function") widget = await widget();
      await widget.initialize?.({ model });
      const stop = await widget.render({ model, el: view });
      addEventListener("pagehide", (event) => event.persisted || stop?.());
      summary.replaceWith(view);
      Object.assign(place, { model }); // for the console and tests
      place.dataset.ready = performance.now().toFixed(0);
      place.dataset.state = "moves";
    } catch (error) {
      const told = document.createElement("p");
      told.textContent = say(state?._words?.unmoved ?? "{error}", error);
      summary.after(told);
      place.dataset.state = "failed";
    }
  }

  /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".moving-picture")).forEach(start);
}
