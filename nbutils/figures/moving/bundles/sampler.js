(() => {
  // shared.js
  function picture(build2) {
    return { render: ({ model, el }) => show(model, el, build2) };
  }
  function show(model, el, build2) {
    const words = model.get("_words");
    const root = element("div", { class: "picture", role: "group", "aria-label": words.title });
    const stop = followLook(root);
    const said = element("p", { class: "said", "aria-live": "polite" });
    const failed = element("p", { class: "failed", role: "alert", hidden: true });
    el.append(root);
    Object.assign(root, { model });
    const guarded = (work) => {
      try {
        failed.hidden = true;
        root.classList.remove("broken");
        return work();
      } catch (error) {
        failed.textContent = error instanceof Sentence ? error.message : `${words.undrawable} ${error}`;
        failed.hidden = false;
        root.classList.add("broken");
        said.textContent = "";
        return null;
      }
    };
    const draw = guarded(() => build2({ model, root, words, redraw: () => redraw() }));
    root.append(failed, said);
    const redraw = () => draw && guarded(() => {
      const began = performance.now();
      said.textContent = draw();
      root.dataset.drawMs = (performance.now() - began).toFixed(2);
    });
    if (draw) redraw();
    if (draw) model.on("change", redraw);
    return () => {
      model.off("change", redraw);
      stop();
    };
  }
  var Sentence = class extends Error {
  };
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, String(value));
    }
    made.append(...children);
    return made;
  }
  function look() {
    const page = document.documentElement, body = document.body;
    if (page.dataset.theme) return page.dataset.theme;
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
    if (body.dataset.vscodeThemeKind) return /dark|black/.test(body.dataset.vscodeThemeKind) ? "dark" : "light";
    if (page.getAttribute("theme")) return page.getAttribute("theme");
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  function followLook(root) {
    const set = () => {
      root.dataset.look = look() === "dark" ? "dark" : "light";
    };
    const watch = new MutationObserver(set), system = matchMedia("(prefers-color-scheme: dark)");
    watch.observe(document.documentElement, { attributes: true });
    watch.observe(document.body, { attributes: true });
    system.addEventListener("change", set);
    set();
    return () => {
      watch.disconnect();
      system.removeEventListener("change", set);
    };
  }
  function change(model, state) {
    for (
      const [name, value] of
      /** @type {[any, any][]} */
      Object.entries(state)
    ) model.set(name, value);
    model.save_changes();
  }
  function whole(model, name, least, most) {
    const value = model.get(name);
    if (Number.isInteger(value) && least <= value && value <= most) return value;
    throw new Sentence(fill(model.get("_words").whole, { name, value, least, most }));
  }
  function readable(value, digits2 = 3) {
    const [rounded, power] = value.toExponential(digits2 - 1).split("e");
    const places = Math.max(0, digits2 - 1 - Number(power));
    const [before, after = ""] = Number(`${rounded}e${power}`).toFixed(places).split(".");
    const decimals = after.replace(/0+$/, "");
    return count(before) + (decimals && `.${decimals}`);
  }
  function percent(share, digits2 = 3) {
    return `${readable(100 * share, digits2)} %`;
  }
  function count(value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  }
  function fill(words, values) {
    return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }
  function slider(name, onInput) {
    const output = element("output");
    const input = element("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": name,
      input: () => onInput(Number(input.value))
    });
    const row = element("label", { class: "control" }, element("span", {}, name), input, output);
    const show2 = (value, most, words) => {
      input.max = String(most);
      input.value = String(value);
      input.setAttribute("aria-valuetext", words);
      output.textContent = words;
    };
    return Object.assign(row, { show: show2 });
  }
  function button(name, onClick, kind = "") {
    const made = element("button", { type: "button", class: kind, click: () => {
      if (made.getAttribute("aria-disabled") !== "true") onClick();
    } }, name);
    return made;
  }
  function textArea(name, rows, onInput) {
    const area = element("textarea", {
      rows,
      spellcheck: "false",
      autocomplete: "off",
      input: () => onInput(area.value)
    });
    const row = element("label", { class: "control wide" }, element("span", {}, name), area);
    const show2 = (value) => {
      if (area.value !== value.replace(/\r\n?/g, "\n")) area.value = value;
    };
    return Object.assign(row, { show: show2 });
  }
  function checkText(text, most, words) {
    const length = text.length > 2 * most ? text.length : [...text].length;
    if (length > most) throw new Sentence(fill(words.long, { length, most }));
    if (!text.isWellFormed()) throw new Sentence(words.half);
  }
  var WHITE = { " ": "·", "\n": "↵", "	": "⇥" };
  function visible(text) {
    return text.replace(/[ \n\t]/g, (sign) => WHITE[sign]);
  }
  function bar(name, share, words, colour) {
    const width = `${100 * Math.min(1, Math.max(0, share))}%`;
    return element(
      "div",
      { class: "bar" },
      element("span", { class: "name" }, name),
      element(
        "span",
        { class: "track" },
        element("span", { class: "fill", style: `width: ${width}; background: var(--${colour})` })
      ),
      element("span", { class: "value" }, words)
    );
  }
  async function resource(model, name) {
    const [bytes] = await answered(model, name);
    const expected = model.get("_resources")[name];
    if (crypto.subtle && await sha256(bytes) !== expected) {
      throw new Sentence(fill(model.get("_words").damaged, { name }));
    }
    return bytes;
  }
  function answered(model, name) {
    return new Promise((resolve, reject) => {
      const hear = (message, buffers) => {
        if (message.resource !== name) return;
        model.off("msg:custom", hear);
        if (message.error) reject(new Sentence(message.error));
        else resolve(buffers);
      };
      model.on("msg:custom", hear);
      model.send({ resource: name });
    });
  }
  function later(get, redraw) {
    let asked = null;
    let failed = null;
    const state = {
      value: (
        /** @type {Value | null} */
        null
      ),
      fetch: () => asked ??= get().then(
        (value) => {
          [state.value, failed] = [value, null];
        },
        (error) => {
          [failed, asked] = [error, null];
        }
      ).then(redraw),
      tell() {
        const error = failed;
        failed = null;
        if (error) throw error;
      }
    };
    return state;
  }
  async function sha256(bytes) {
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  var UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  // gpt.js
  var EPS = 1e-5;
  var FLOAT32_EPS = 2 ** -23;
  var BASE = 1e4;
  function network(view, words) {
    try {
      const length = Number(view.getBigUint64(0, true));
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 8, length)));
      const { __metadata__: { config }, ...tensors } = head;
      const weights = {};
      for (const [name, { dtype, data_offsets: [from, to] }] of Object.entries(
        /** @type {Header} */
        tensors
      )) {
        const start = view.byteOffset + 8 + length + from;
        weights[name] = floats(view.buffer.slice(start, start + to - from), dtype);
      }
      return { config: JSON.parse(config), weights };
    } catch (error) {
      throw new Sentence(fill(words.unread, { what: (
        /** @type {Error} */
        error.message
      ) }));
    }
  }
  function floats(buffer, dtype) {
    if (dtype === "F32") return new Float32Array(buffer);
    if (dtype === "F16") return Float32Array.from(new Uint16Array(buffer), half);
    throw new Error(dtype);
  }
  function half(bits) {
    const sign = bits & 32768 ? -1 : 1, power = bits >> 10 & 31, part = bits & 1023;
    if (power === 31) return part ? NaN : sign * Infinity;
    return sign * (power ? (1 + part / 1024) * 2 ** (power - 15) : part / 1024 * 2 ** -14);
  }
  function kvCache({ config }) {
    return { length: 0, layers: Array.from({ length: config.n_layer }, () => ({ k: [], v: [] })) };
  }
  function read(net, cache, token) {
    const { config, weights } = net, at = cache.length, width = config.n_embd;
    const token_embedding = rowOf(weights["token_embedding.weight"], token, width);
    const position_embedding = config.rotary ? new Float64Array(width) : rowOf(weights["position_embedding.weight"], at, width);
    const embedded = sum(token_embedding, position_embedding);
    const layers = [];
    let x = embedded;
    for (let i = 0; i < config.n_layer; i++) {
      layers.push(block(net, `blocks.${i}.`, cache.layers[i], x, at));
      x = layers[i].after_mlp;
    }
    cache.length += 1;
    return { token_embedding, position_embedding, embedded, layers, final_normed: norm(net, "final_norm", x) };
  }
  function unembed({ weights }, x) {
    return product(weights["head.weight"] ?? weights["token_embedding.weight"], null, x);
  }
  function softmax(numbers) {
    let most = -Infinity, total = 0;
    for (const number of numbers) most = Math.max(most, number);
    const out = Float64Array.from(numbers, (number) => Math.exp(number - most));
    for (const part of out) total += part;
    return out.map((part) => part / total);
  }
  function block(net, name, cache, x, at) {
    const attention_normed = norm(net, `${name}attention_norm`, x);
    const looked = attention(net, `${name}attention.`, cache, attention_normed, at);
    const after_attention = sum(x, looked.attention_answer);
    const mlp_normed = norm(net, `${name}mlp_norm`, after_attention);
    const mlp_hidden = linear(net, `${name}mlp.expand`, mlp_normed).map(net.config.relu_squared ? reluSquared : gelu);
    const mlp_answer = linear(net, `${name}mlp.contract`, mlp_hidden);
    const after_mlp = sum(after_attention, mlp_answer);
    return { attention_normed, ...looked, after_attention, mlp_normed, mlp_hidden, mlp_answer, after_mlp };
  }
  function attention(net, name, cache, x, at) {
    const { n_embd: width, n_head } = net.config, D = width / n_head, seen = at + 1;
    const three = linear(net, `${name}query_key_value`, x);
    const q = normalizeAndRotate(net.config, three.slice(0, width), at);
    const k = normalizeAndRotate(net.config, three.slice(width, 2 * width), at);
    const v = three.slice(2 * width);
    cache.k.push(k);
    cache.v.push(v);
    const scores = new Float64Array(n_head * seen), weights = new Float64Array(n_head * seen);
    const heads = new Float64Array(width);
    for (let head = 0; head < n_head; head++) {
      const first = head * D;
      for (let j = 0; j < seen; j++) {
        let dot = 0;
        for (let d = first; d < first + D; d++) dot += q[d] * cache.k[j][d];
        scores[head * seen + j] = dot / Math.sqrt(D);
      }
      weights.set(softmax(scores.subarray(head * seen, (head + 1) * seen)), head * seen);
      for (let j = 0; j < seen; j++) {
        for (let d = first; d < first + D; d++) heads[d] += weights[head * seen + j] * cache.v[j][d];
      }
    }
    return { q, k, v, scores, weights, heads, attention_answer: linear(net, `${name}projection`, heads) };
  }
  function normalizeAndRotate({ n_head, qk_norm, rotary }, x, at) {
    const D = x.length / n_head, out = x.slice();
    for (let first = 0; first < x.length; first += D) {
      if (qk_norm) {
        let squares = 0;
        for (let d = first; d < first + D; d++) squares += x[d] * x[d];
        for (let d = first; d < first + D; d++) out[d] /= Math.sqrt(squares / D + FLOAT32_EPS);
      }
      for (let d = 0; rotary && d < D / 2; d++) {
        const angle = at * BASE ** (-2 * d / D), [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        const one = out[first + d], other = out[first + d + D / 2];
        out[first + d] = one * cos - other * sin;
        out[first + d + D / 2] = one * sin + other * cos;
      }
    }
    return out;
  }
  function linear({ weights }, name, x) {
    return product(weights[`${name}.weight`], weights[`${name}.bias`], x);
  }
  function product(matrix, bias, x) {
    const n = x.length, out = new Float64Array(matrix.length / n);
    for (let row = 0, i = 0; row < out.length; row++) {
      let total = bias ? bias[row] : 0;
      for (let j = 0; j < n; j++, i++) total += matrix[i] * x[j];
      out[row] = total;
    }
    return out;
  }
  function norm({ config, weights }, name, x) {
    const scale = weights[`${name}.weight`], shift = weights[`${name}.bias`], { mean, spread } = meanAndSpread(config, x);
    return x.map((value, i) => (value - mean) / spread * scale[i] + (shift ? shift[i] : 0));
  }
  function meanAndSpread({ rms_norm }, x) {
    let total = 0, squares = 0;
    for (const value of x) total += value;
    const mean = rms_norm ? 0 : total / x.length;
    for (const value of x) squares += (value - mean) ** 2;
    return { mean, spread: Math.sqrt(squares / x.length + EPS) };
  }
  function gelu(x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  }
  function reluSquared(x) {
    return Math.max(0, x) ** 2;
  }
  function rowOf(table, row, width) {
    return Float64Array.from(table.subarray(row * width, (row + 1) * width));
  }
  function sum(a, b) {
    return a.map((value, i) => value + b[i]);
  }

  // smallworld.js
  var END = "";
  var Over = class extends Error {
  };
  var among = (values) => values.map((value) => [` ${typeof value === "string" ? value : value.name}`, value]);
  var rest = (options, said) => options.filter(([text, value = (
    /** @type {any} */
    text
  )]) => !said.includes(value));
  var Reader = class {
    /**
     * @param {string[]} pieces
     * @param {Cut} cut
     */
    constructor(pieces, cut) {
      this.pieces = pieces;
      this.cut = cut;
      this.at = 0;
      this.next = null;
    }
    /**
     * options: [text, value (the text), weight (1)]. Returns the value of the one that was taken.
     * @template Value
     * @param {Option<Value>[]} options
     * @returns {Value}
     */
    choose(options) {
      let left = options.map(([text, value = (
        /** @type {any} */
        text
      ), weight = 1]) => ({ pieces: this.cut(text), value, weight }));
      for (let depth = 0; ; depth++) {
        if (this.at === this.pieces.length) this.stop(left, depth);
        left = left.filter(({ pieces }) => pieces[depth] === this.pieces[this.at]);
        if (!left.length) throw new Over();
        this.at += 1;
        if (left[0].pieces.length === depth + 1) return left[0].value;
      }
    }
    /**
     * @param {Choice[]} left
     * @param {number} depth
     * @returns {never}
     */
    stop(left, depth) {
      const total = left.reduce((sum2, { weight }) => sum2 + weight, 0), next = /* @__PURE__ */ new Map();
      this.next = next;
      for (const { pieces, weight } of left) {
        next.set(pieces[depth], (next.get(pieces[depth]) ?? 0) + weight / total);
      }
      throw new Over();
    }
    /** @param {string} text */
    say(text) {
      this.choose([[text]]);
    }
    /**
     * @template Value
     * @param {Option<Value>[]} options
     * @param {number} n
     */
    several(options, n) {
      const said = [];
      while (said.length < n) said.push(this.choose(rest(options, said)));
      return said;
    }
  };
  var SCENES = {
    introduction(doc, w) {
      const person = doc.choose(among(w.people)), { He, his, he } = w.genders[person.gender];
      doc.say(`. ${He} is a ${person.word}.`);
      const facts = doc.several(person.facts.map((fact) => [fact[0], fact]), 2);
      doc.say(` Today ${he} wears a`);
      const colour = doc.choose(among(w.colours)), clothes = doc.choose(among(w.clothes));
      doc.say(".");
      doc.say(doc.choose([
        [` What colour is ${his} ${clothes}?`, ` It is ${colour}.`],
        [` What does ${he} wear?`, ` ${He} wears a ${colour} ${clothes}.`],
        ...facts.map(([sentence2, question]) => (
          /** @type {Option} */
          [question, sentence2]
        ))
      ]));
    },
    tale(doc, w) {
      const [hero, told] = doc.choose(w.figures.flatMap((figure) => [
        [` ${figure.word} lived`, [figure, false]],
        [` ${figure.wealth} ${figure.age} ${figure.word} lived`, [figure, true]]
      ]));
      const { He, he, his, him } = w.genders[hero.gender];
      doc.say(" in a");
      doc.choose(among(w.homes[hero.wealth]));
      doc.say(told ? "." : `. ${He} was ${hero.age} and ${hero.wealth}.`);
      doc.say(` One day ${he} lost ${his}`);
      doc.choose(among(w.treasures[hero.wealth]));
      doc.say(`. ${He} looked in the`);
      const place = doc.choose(among(w.places));
      if (!doc.choose([[", and there it was.", true, 1], [", but it was not there.", false, 4]])) {
        doc.say(" Then a");
        const helper = doc.choose(rest(w.figures.map((figure) => [` ${figure.word} came`, figure]), [hero]));
        doc.say(` to help ${him}. ${w.genders[helper.gender].He} looked in the`);
        doc.choose(rest(among(w.places), [place]));
        doc.say(`, and there it was. The ${hero.word} thanked the ${helper.word}.`);
      }
      doc.say(` The ${hero.word} was happy again.`);
    },
    countries(doc, w, opening) {
      let country = frame(doc, w, opening, null);
      const second = doc.choose(rest(among(Object.keys(w.frames)), [opening]));
      country = frame(doc, w, second, country);
      frame(doc, w, doc.choose(rest(among(Object.keys(w.frames)), [opening, second])), country);
    },
    journeys(doc, w) {
      doc.choose(among(w.times));
      const one = doc.choose(among(w.people));
      const lands = w.countries.map((country) => [` ${country.country}`, country]);
      doc.say(" went to");
      const first = doc.choose(lands);
      doc.say(" and");
      const other = doc.choose(rest(among(w.people), [one]));
      doc.say(" went to");
      const went = /* @__PURE__ */ new Map([[one, first], [other, doc.choose(rest(lands, [first]))]]);
      doc.say(".");
      const told = deed(doc, went, w.deeds);
      deed(doc, went, rest(w.deeds, [told]));
      doc.say(" Who");
      const asked = doc.choose(w.deeds);
      const person = doc.choose([...went].map(([who, country]) => [` ${country[asked]}`, who]));
      doc.say(`? ${person.name} did.`);
    },
    sightseeing(doc, w) {
      const person = doc.choose(among(w.people));
      doc.say(" sees");
      const said = doc.choose(w.sights);
      doc.say(".");
      doc.several(said[person.gender], 3);
    },
    meanings(doc, w) {
      const person = doc.choose(among(w.people));
      doc.say(" is");
      const place = doc.choose(among([...new Set(w.senses.flatMap(({ places }) => places))].sort()));
      doc.say(`. ${w.genders[person.gender].He} sees a`);
      const near = w.senses.filter(({ places }) => places.includes(place));
      const sense = doc.choose(near.map((one) => [` ${one.word}`, one]));
      doc.say(".");
      doc.several(sense.facts.map((fact) => [` The ${sense.word} ${fact}.`]), 2);
      doc.say(` This ${sense.word} is ${sense.kind}.`);
    },
    sums(doc, w) {
      const notation = () => doc.choose([[" write"], [" say"]]) === " write";
      if (notation()) {
        const [a, b] = digits(doc);
        doc.say(` and say ${w.numbers[a]} plus ${w.numbers[b]} is ${w.numbers[a + b]}. Then we`);
      } else {
        const [a, b] = spoken(doc, w);
        doc.say(` and write ${a} + ${b} = ${a + b}. Then we`);
      }
      (notation() ? digits : spoken)(doc, w);
      doc.say(".");
    },
    counting(doc, w) {
      const person = doc.choose(among(w.people)), { He, him } = w.genders[person.gender];
      doc.say(" has");
      const had = doc.choose(addends(w).slice(1)), things = doc.choose(among(w.counted));
      doc.say(".");
      doc.choose(rest(among(w.people), [person]));
      doc.say(` gives ${him}`);
      const more = doc.choose(addends(w));
      doc.say(` more. How many ${things} does ${person.name} have now?`);
      doc.say(` ${He} has ${w.numbers[had + more]}.`);
    },
    kinds(doc, w) {
      const kinds = Object.entries(w.kinds).map(([word, kind]) => [` ${word} is ${kind}`, word]);
      const first = doc.choose(kinds);
      doc.say(", and every");
      doc.choose(rest(kinds, [first]));
      doc.say(".");
    },
    gifts(doc, w) {
      const people = [doc.choose(among(w.people))], owner = /* @__PURE__ */ new Map();
      doc.say(",");
      people.push(doc.choose(rest(among(w.people), people)));
      doc.say(" and");
      people.push(doc.choose(rest(among(w.people), people)));
      doc.say(". They are in the");
      doc.choose(among(w.places));
      doc.say(".");
      const gets = (those) => {
        const person = doc.choose(among(those));
        doc.say(" has a");
        owner.set(doc.choose(rest(among(w.things), [...owner.keys()])), person);
        doc.say(".");
        return person;
      };
      const first = gets(people);
      gets(people.filter((person) => person !== first));
      for (let events = 0, person; person = event(doc, [...new Set(owner.values())], events, " Who has the"); events++) {
        doc.say(" gives the");
        const thing = doc.choose(among([...owner.keys()].filter((one) => owner.get(one) === person)));
        doc.say(" to");
        owner.set(thing, doc.choose(among(people.filter((one) => one !== person))));
        doc.say(".");
      }
      const asked = doc.choose(among([...owner.keys()])), other = [...owner.keys()].find((thing) => thing !== asked);
      doc.say(`? ${owner.get(asked).name} has the ${asked}.`);
      doc.say(` And who has the ${other}? ${owner.get(other).name} has the ${other}.`);
    },
    walks(doc, w) {
      doc.choose(among(w.daytimes));
      doc.say(".");
      const place = /* @__PURE__ */ new Map(), thing = /* @__PURE__ */ new Map();
      for (let i = 0; i < 2; i++) {
        const person2 = doc.choose(rest(among(w.people), [...place.keys()]));
        doc.say(" is in the");
        place.set(person2, doc.choose(rest(among(w.places), [...place.values()])));
        doc.say(" and has a");
        thing.set(person2, doc.choose(rest(among(w.things), [...thing.values()])));
        doc.say(".");
      }
      const people = [...place.keys()];
      for (let events = 0, person2; person2 = event(doc, people, events, " Where is"); events++) {
        doc.say(" goes to the");
        place.set(person2, doc.choose(rest(among(w.places), [place.get(person2)])));
        doc.say(".");
      }
      const person = doc.choose(among(people));
      doc.say(`? ${w.genders[person.gender].He} is in the ${place.get(person)}. And where is the`);
      const asked = doc.choose(among([...thing.values()])), owner = people.find((one) => thing.get(one) === asked);
      doc.say(`? It is in the ${place.get(owner)}.`);
    }
  };
  function frame(doc, { frames, countries }, opening, last) {
    const [slots, ends] = frames[opening], often = 2 * (countries.length - 1);
    const country = doc.choose(slots.flatMap((slot) => countries.map((one) => (
      /** @type {Option<Country>} */
      [` ${one[slot]}`, one, one === last ? often : 1]
    ))));
    doc.say(` ${country[doc.choose(Object.entries(ends))]}.`);
    return country;
  }
  function deed(doc, went, deeds) {
    const first = doc.choose(among([...went.keys()])), done = doc.choose(deeds);
    const where = (
      /** @type {(who: Person) => Country} */
      ((who) => went.get(who))
    );
    doc.say(` ${where(first)[done]}, and`);
    const [second] = [...went.keys()].filter((person) => person !== first);
    const [[does]] = deeds.filter(([, value]) => value === done);
    doc.say(` ${second.name}${does} ${where(second)[done]}.`);
    return done;
  }
  var ADDENDS = [1, 2, 3, 4, 5, 6, 7];
  var addends = ({ numbers }) => ADDENDS.map((n) => [` ${numbers[n]}`, n]);
  function digits(doc) {
    const a = doc.choose(ADDENDS.map((n) => [` ${n}`, n]));
    doc.say(" +");
    const b = doc.choose(ADDENDS.map((n) => [` ${n}`, n]));
    doc.say(` = ${a + b}`);
    return [a, b];
  }
  function spoken(doc, w) {
    const a = doc.choose(addends(w));
    doc.say(" plus");
    const b = doc.choose(addends(w));
    doc.say(` is ${w.numbers[a + b]}`);
    return [a, b];
  }
  function event(doc, people, events, question) {
    const end = [question, null, people.length];
    return doc.choose([...events < 4 ? among(people) : [], ...events < 2 ? [] : [end]]);
  }
  var openings = (scenes) => scenes.flatMap(([scene, texts, weight]) => texts.map((text) => [text, { scene, text }, weight / texts.length]));
  function nextProbabilities(pieces, world, cut) {
    const doc = new Reader(pieces, cut);
    try {
      const first = doc.choose(openings([...world.long, ...world.short]));
      SCENES[first.scene](doc, world, first.text);
      if (world.short.some(([scene]) => scene === first.scene)) {
        doc.say("\n");
        const second = doc.choose(openings(world.short.filter(([scene]) => scene !== first.scene)));
        SCENES[second.scene](doc, world, second.text);
      }
      if (doc.at === pieces.length) return /* @__PURE__ */ new Map([[END, 1]]);
    } catch (error) {
      if (!(error instanceof Over)) throw error;
    }
    return doc.next;
  }

  // sampler.js
  var ROWS = 8;
  var STEPS = 20;
  var MOST_CHARACTERS = 600;
  var MOST_TOKENS = 79;
  var PAUSE = 150;
  var RARE = 1e-6;
  var COLDEST = 2 ** -126;
  var DIGITS = 2;
  function encoder({ vocabulary, pattern }) {
    const ids = new Map(vocabulary.map((piece, id) => [piece, id])), split = new RegExp(pattern, "gu");
    const joined = (piece) => {
      const row = [...piece];
      while (row.length > 1) {
        let best = Infinity, at = -1;
        for (let i = 1; i < row.length; i++) {
          const id = ids.get(row[i - 1] + row[i]) ?? Infinity;
          if (id < best) [best, at] = [id, i];
        }
        if (at < 0) break;
        row.splice(at - 1, 2, row[at - 1] + row[at]);
      }
      return row;
    };
    const pieces = (text) => (text.match(split) ?? []).flatMap((piece) => {
      const bytes = String.fromCharCode(...new TextEncoder().encode(piece));
      return ids.has(bytes) ? [bytes] : joined(bytes);
    });
    return { ids, pieces, end: vocabulary.length };
  }
  var plain = (piece) => new TextDecoder().decode(Uint8Array.from(piece, (sign) => sign.charCodeAt(0)));
  var Talker = class {
    /**
     * @param {DataView<ArrayBuffer>} weights
     * @param {World} world
     * @param {Words} words
     */
    constructor(weights, world, words) {
      this.net = network(weights, words);
      this.end = words.end;
      this.world = world;
      this.encoding = encoder(world);
      this.cache = kvCache(this.net);
      this.read = [];
      const known = /* @__PURE__ */ new Map();
      this.cut = (text) => known.get(text) ?? known.set(text, this.encoding.pieces(text)).get(text);
    }
    /** @param {number} id */
    name(id) {
      return id === this.encoding.end ? this.end : plain(this.world.vocabulary[id]);
    }
    /**
     * What comes next, by the network and in truth; count: of the text's tokens.
     * @param {string} text
     * @returns {Read | { logits: null, count: number }} no logits: the text is too long
     */
    after(text) {
      const pieces = this.encoding.pieces(text), { ids, end } = this.encoding;
      if (pieces.length > MOST_TOKENS) return { logits: null, count: pieces.length };
      const next = nextProbabilities(pieces, this.world, this.cut);
      const truth = next && new Float64Array(end + 1);
      const id = (piece) => piece === END ? end : (
        /** @type {number} */
        ids.get(piece)
      );
      if (next && truth) for (const [piece, p] of next) truth[id(piece)] = p;
      return { logits: this.logits([end, ...pieces.map(id)]), truth, count: pieces.length };
    }
    /**
     * What the new tokens have in common with those before need not be read again.
     * @param {number[]} tokens their ids
     * @returns {Float64Array} shape (V,)
     */
    logits(tokens) {
      let same = 0;
      while (same < tokens.length - 1 && tokens[same] === this.read[same]) same += 1;
      this.cache.length = same;
      for (const layer of this.cache.layers) layer.k.length = layer.v.length = same;
      const [last] = tokens.slice(same).map((token) => read(this.net, this.cache, token)).slice(-1);
      this.read = tokens;
      return unembed(this.net, last.final_normed);
    }
  };
  function drawnFrom(logits, temperature, topK, topP) {
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]), out = new Float64Array(logits.length);
    if (temperature < COLDEST) {
      out[order[0]] = 1;
      return out;
    }
    const scaled = logits.map((logit) => (logit - logits[order[0]]) / temperature);
    const kept = order.slice(0, topK || order.length), p = softmax(kept.map((id) => scaled[id]));
    let before = 0, total = 0;
    for (let i = 0; i < kept.length && (i === 0 || before < topP || topP === 1); i++) {
      out[kept[i]] = p[i];
      before += p[i];
      total += p[i];
    }
    return out.map((share) => share / total);
  }
  function pick(p) {
    let left = Math.random();
    const id = p.findIndex((share) => (left -= share) < 0);
    return id < 0 ? p.indexOf(Math.max(...p)) : id;
  }
  function rowsOf(talker, { logits, truth }, drawn) {
    const p = softmax(logits);
    const rows = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, ROWS).map((id) => [visible(talker.name(id)), p[id], drawn[id], truth && truth[id]]);
    const rest2 = (i) => Math.max(0, 1 - rows.reduce((sum2, row) => sum2 + (row[i] ?? 0), 0));
    return [...rows, ["", rest2(1), rest2(2), truth && rest2(3)]];
  }
  function barOf([name, p, drawn, truth], words) {
    const value = element("span", {}, percent(drawn, DIGITS));
    if (truth !== null) value.append(" ", element("small", {}, fill(words.true, { p: percent(truth, DIGITS) })));
    const made = bar(name || words.others, drawn, value, name ? "mark" : "quiet");
    if (truth !== null) made.querySelector(".track")?.append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
    Object.assign(made.dataset, { p, drawn, truth: truth ?? -1 });
    return made;
  }
  function sentence(rows, ended, words) {
    const [name, p, drawn, truth] = rows[0];
    const kept = rows.slice(0, -1).filter((row) => row[2] >= RARE).length;
    const likeliest = fill(words.likeliest, { name, p: percent(p, DIGITS) });
    const told = truth === null ? words.unknown : fill(words.truth, { p: percent(truth, DIGITS) });
    const draws = fill(words.drawn, { p: percent(drawn, DIGITS), kept, rows: ROWS });
    return `${likeliest} ${told}
${draws}${ended ? `
${words.ended}` : ""}`;
  }
  function check(text, words) {
    if (typeof text !== "string") throw new Sentence(words.notText);
    checkText(text, MOST_CHARACTERS, words);
    return text.replace(/ +$/, "");
  }
  function writer({ model, root, words, redraw }) {
    let found = null;
    let known = "";
    const talker = later(async () => {
      const [weights, tables] = await Promise.all([resource(model, "network"), resource(model, "world")]);
      return new Talker(weights, JSON.parse(new TextDecoder().decode(tables)), words);
    }, () => {
      state.writing &&= talker.value !== null;
      redraw();
    });
    const state = { talker, writing: false };
    const act = async (what) => {
      await talker.fetch();
      if (talker.value) what();
    };
    const look2 = (talker2) => {
      const text = check(model.get("text"), words);
      if (!found || known !== text) [known, found] = [text, talker2.after(text)];
      if (!found.logits) throw new Sentence(fill(words.tokens, { length: found.count, most: MOST_TOKENS }));
      const heat = model.get("heat") / STEPS, topP = 1 - model.get("tail") / STEPS;
      return { text, read: found, drawn: drawnFrom(found.logits, heat, model.get("top_k"), topP) };
    };
    const mayDraw = () => !model.get("ended") && !(found && found.count >= MOST_TOKENS);
    const draw = () => {
      if (!talker.value || root.classList.contains("broken") || !mayDraw()) return false;
      const { text, drawn } = look2(talker.value), id = pick(drawn);
      if (!mayDraw()) return false;
      change(model, id === talker.value.encoding.end ? { ended: true } : { text: text + talker.value.name(id) });
      return mayDraw();
    };
    const goOn = () => {
      if (!state.writing || !root.isConnected) return;
      state.writing = draw();
      if (state.writing) setTimeout(goOn, PAUSE);
      redraw();
    };
    const startOrStop = () => {
      state.writing = !state.writing;
      if (state.writing) act(goOn);
      else redraw();
    };
    return Object.assign(state, { look: look2, mayDraw, startOrStop, drawOne: () => act(draw) });
  }
  function build(parts) {
    const { model, root, words } = parts, by = writer(parts), beginning = model.get("beginning");
    const set = (name) => (value) => change(model, { [name]: value });
    const field = textArea(words.text, 2, (text) => {
      by.writing = false;
      change(model, { ended: false, text });
    });
    const heat = slider(words.heat, set("heat")), topK = slider(words.topK, set("top_k")), tail = slider(words.tail, set("tail"));
    const one = button(words.one, by.drawOne, "main"), write = button(words.write, by.startOrStop);
    const bars = element("div", { class: "bars" });
    root.classList.add("sampler");
    root.append(element(
      "div",
      { class: "controls" },
      field,
      element("div", { class: "sliders" }, heat, topK, tail),
      element("div", { class: "stepper" }, one, write)
    ), bars, element("p", { class: "quiet" }, words.legend));
    return () => {
      const state = { text: model.get("text"), heat: model.get("heat"), top_k: model.get("top_k"), tail: model.get("tail") };
      field.show(String(state.text));
      check(state.text, words);
      whole(model, "heat", 0, 2 * STEPS);
      whole(model, "top_k", 0, ROWS);
      whole(model, "tail", 0, STEPS - 1);
      heat.show(state.heat, 2 * STEPS, (state.heat / STEPS).toFixed(2));
      topK.show(state.top_k, ROWS, state.top_k ? String(state.top_k) : words.all);
      tail.show(state.tail, STEPS - 1, (1 - state.tail / STEPS).toFixed(2));
      const names = (
        /** @type {(keyof Moved)[]} */
        Object.keys(state)
      );
      const here = names.every((name) => state[name] === beginning[name]);
      const talker = by.talker.value;
      root.classList.toggle("waiting", !talker && !here);
      write.textContent = by.writing ? words.stop : words.write;
      by.talker.tell();
      if (!talker && !here) {
        by.talker.fetch();
        return fill(words.fetching, { size: "1.6 MB" });
      }
      const seen = talker && by.look(talker);
      const rows = talker && seen ? rowsOf(talker, seen.read, seen.drawn) : beginning.rows;
      for (const control of [one, write]) control.setAttribute("aria-disabled", String(!by.mayDraw()));
      bars.replaceChildren(...rows.map((row) => barOf(row, words)));
      return sentence(rows, model.get("ended"), words);
    };
  }
  var sampler_default = picture(build);

  // <stdin>
  deliver(sampler_default);
})();
