// Runs the moving pictures of a page without a kernel. It speaks anywidget's front-end interface:
// a picture's script is the same in Jupyter, and finds the same model there. Files come by script
// elements where a page was opened from a disk: browsers refuse import() and fetch() there.
"use strict";
{
  const LABELS = {
    en: {
      failed: "This picture can't be moved here ({error}). Open the page in Colab or Jupyter to move it.",
      file: "The file that this needs can't be loaded ({error}).",
    },
  };
  const WORDS = LABELS[document.documentElement.lang.slice(0, 2)] ?? LABELS.en;
  const say = (words, error) => words.replace("{error}", error.message ?? error);

  class Model {
    constructor(state, folder) {
      Object.assign(this, { state, folder, listeners: new Map() });
    }
    get(name) {
      return this.state[name];
    }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      this.emit(`change:${name}`, this, value);
      this.emit("change", this);
    }
    save_changes() {} // nobody else holds this state
    on(names, listener) {
      for (const name of names.split(" ")) this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    }
    off(names, listener) {
      if (!names) this.listeners.clear();
      else for (const name of names.split(" ")) {
        this.listeners.set(name, (this.listeners.get(name) ?? []).filter((one) => listener && one !== listener));
      }
    }
    emit(name, ...values) {
      for (const listener of this.listeners.get(name) ?? []) listener(...values);
    }
    // Where a kernel would answer: the resource that the script asks for is a file of the book.
    async send({ resource }) {
      try {
        const name = this.state._resources[resource];
        const bytes = location.protocol === "file:" ? decoded(await loaded(new URL(`${name}.js`, this.folder)))
          : await fetched(new URL(`${name}.bin`, this.folder));
        this.emit("msg:custom", { resource }, [new DataView(bytes)]);
      } catch (error) {
        this.emit("msg:custom", { resource, error: say(WORDS.file, error) }, []);
      }
    }
  }

  async function fetched(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(answer.status);
    return answer.arrayBuffer();
  }

  const decoded = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;

  // What a script leaves with its own element.
  function loaded(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const missing = () => reject(new Error(address.pathname.split("/").pop()));
      script.onload = () => "content" in script ? resolve(script.content) : missing();
      script.onerror = missing;
      script.src = address;
      document.head.append(script);
    });
  }

  async function start(place) {
    const summary = place.querySelector("p"), view = document.createElement("div");
    try {
      const script = new URL(place.dataset.script, document.baseURI);
      const model = new Model(JSON.parse(place.querySelector("script").textContent), script);
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
      summary.insertAdjacentElement("afterend", document.createElement("p")).textContent = say(WORDS.failed, error);
      place.dataset.state = "failed";
    }
  }

  document.querySelectorAll(".moving-picture").forEach(start);
}
