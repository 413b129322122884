// What every moving picture is made of.
import { followLook } from "./look.js";
import { adopt, tools } from "./tools.js";

/** @import { Attribute, Build, CommonWords, Field, Limit, Listener, Model, Packed, Page, Range, Widget } from "./types" */

/**
 * A picture from a function that builds it. build(parts) appends to parts.root and returns draw(),
 * which shows the model's state and returns the sentence that says it. What draw or build throws
 * becomes a sentence in place of a broken picture. parts.redraw() draws again, for what comes later
 * than a change of the state: a file. All words are in the state: Python puts them there. What changes
 * at once is drawn once, and before the browser shows anything.
 * @template {{ title: string }} Words
 * @template State
 * @param {Build<Words, State>} build
 * @returns {Widget}
 */
export function picture(build) {
  return { render: ({ model, el, page }) => show(model, el, build, page) };
}

/**
 * @template {{ title: string }} Words
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {Build<Words, any>} build
 * @param {Page} [page] that it stands in; a notebook is none
 */
function show(model, el, build, page) {
  /** @type {Words & CommonWords} */
  const words = model.get("_words");
  const root = element("div", { class: "picture", role: "group", "aria-label": words.title });
  const stop = followLook(root);
  const said = element("p", { class: "said", "aria-live": "polite" });
  const failed = element("p", { class: "failed", role: "alert", hidden: true });
  el.append(root);
  Object.assign(root, { model }); // for the console and tests
  /** @type {<T>(work: () => T) => T | null} */
  const guarded = (work) => {
    try {
      failed.hidden = true;
      root.classList.remove("broken");
      return work();
    } catch (error) {
      failed.textContent = error instanceof Sentence ? error.message : `${words.undrawable} ${error}`;
      failed.hidden = false;
      root.classList.add("broken"); // what is drawn below the sentence is no longer true
      said.textContent = "";
      return null;
    }
  };
  const draw = guarded(() => build({ model, root, words, said, redraw: () => redraw() }));
  const bar = tools(model, root, words, page);
  root.append(failed, ...(root.contains(said) ? [] : [said]), bar);
  let due = false;
  // A picture that could not be built keeps its sentence.
  const redraw = () => {
    due = false;
    if (!draw) return;
    guarded(() => {
      const began = performance.now();
      said.textContent = draw();
      root.dataset.drawMs = (performance.now() - began).toFixed(2);
    });
    bar.show();
  };
  const changed = () => {
    if (!due) queueMicrotask(() => due && redraw());
    due = true;
  };
  redraw();
  if (draw) model.on("change", changed);
  if (draw) page?.ready((state) => adopt(model, root, failed, state, redraw));
  return () => {
    model.off("change", changed);
    stop();
  };
}

// An error that is meant for the reader: its message is shown as it is.
export class Sentence extends Error {}

/**
 * An HTML element with attributes (a function is a listener) and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * An SVG element with attributes and children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean>} attributes
 * @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * Change the model and tell Python, where there is one.
 * @template State
 * @param {Model<State>} model
 * @param {Partial<State>} state
 */
export function change(model, state) {
  for (const [name, value] of /** @type {[any, any][]} */ (Object.entries(state))) model.set(name, value);
  model.save_changes();
}

/**
 * The model's number of that name. A value that is no whole number from least to most is a sentence.
 * @param {Model} model
 * @param {string} name
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
export function whole(model, name, least, most) {
  const value = model.get(name);
  if (Number.isInteger(value) && least <= value && value <= most) return value;
  throw new Sentence(fill(model.get("_words").whole, { name, value, least, most }));
}

/**
 * The model's true or false of that name; anything else is a sentence.
 * @param {Model} model
 * @param {string} name
 * @returns {boolean}
 */
export function flag(model, name) {
  const value = model.get(name);
  if (typeof value === "boolean") return value;
  throw new Sentence(fill(model.get("_words").flag, { name, value }));
}

/**
 * A number for people, with `digits` that matter: 0.00108, 3.05, 13,100. Not by Intl: its first
 * use takes longer than a whole drawing may.
 * @param {number} value
 * @param {number} digits
 */
export function readable(value, digits = 3) {
  const [rounded, power] = value.toExponential(digits - 1).split("e");
  const places = Math.max(0, digits - 1 - Number(power));
  const [before, after = ""] = Number(`${rounded}e${power}`).toFixed(places).split(".");
  const decimals = after.replace(/0+$/, "");
  return count(before) + (decimals && `.${decimals}`);
}

/**
 * A share of 1 for people, `readable`: 12.3 %.
 * @param {number} share
 * @param {number} digits
 */
export function percent(share, digits = 3) {
  return `${readable(100 * share, digits)} %`;
}

/**
 * Of numbers; 0 of none.
 * @param {number[]} numbers
 */
export function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0);
}

/**
 * A count for people, with marks between thousands.
 * @param {number | string} value
 */
export function count(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * The words with {name} replaced by values[name].
 * @param {string} words
 * @param {Record<string, unknown>} values
 */
export function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * A named range with its value beside it; slider.show(value, most, words) moves it.
 * @param {string} name
 * @param {(value: number) => void} onInput
 * @returns {Range}
 */
export function slider(name, onInput) {
  const output = element("output");
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "range", min: 0, step: 1, "aria-label": name,
    input: () => onInput(Number(input.value)) });
  const row = element("label", { class: "control" }, element("span", {}, name), input, output);
  /** @type {Range["show"]} */
  const show = (value, most, words) => {
    input.max = String(most);
    input.value = String(value);
    input.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  return Object.assign(row, { show });
}

/**
 * A slider between two buttons, one step back and one on.
 * @param {string} name
 * @param {string} back
 * @param {string} onward
 * @param {(value: number) => void} onInput
 * @returns {Range}
 */
export function stepper(name, back, onward, onInput) {
  let at = 0;
  const range = slider(name, onInput);
  const less = button(back, () => onInput(at - 1));
  const more = button(onward, () => onInput(at + 1), "main");
  const row = element("div", { class: "stepper" }, less, more, range);
  /** @type {Range["show"]} */
  const show = (value, most, words) => {
    at = value;
    range.show(value, most, words);
    turnOff(less, value <= 0);
    turnOff(more, value >= most);
  };
  return Object.assign(row, { show });
}

/**
 * Not `disabled`: that would take the focus away from whoever steps with the keyboard.
 * @param {HTMLElement} control
 * @param {boolean} off
 */
export function turnOff(control, off) {
  control.setAttribute("aria-disabled", String(off));
}

/**
 * A button with a name; kind: CSS classes.
 * @param {string} name
 * @param {() => void} onClick
 * @param {string} kind
 */
export function button(name, onClick, kind = "") {
  /** @type {HTMLButtonElement} */
  const made = element("button", { type: "button", class: kind, click: () => {
    if (made.getAttribute("aria-disabled") !== "true") onClick();
  } }, name);
  return made;
}

/**
 * A named box to tick.
 * @param {string} name
 * @param {(on: boolean) => void} onInput
 */
export function tick(name, onInput) {
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "checkbox", change: () => onInput(input.checked) });
  const row = element("label", { class: "tick" }, input, element("span", {}, name));
  /** @param {boolean} value */
  const show = (value) => { input.checked = value; };
  return Object.assign(row, { show });
}

/**
 * A named line of text that the reader can change. A longer text than `limit` is cut, and that is said.
 * @param {string} name
 * @param {(text: string) => void} onInput
 * @param {Limit} [limit]
 * @returns {Field}
 */
export function textField(name, onInput, limit) {
  return writable(name, element("input", { type: "text", spellcheck: "false", autocomplete: "off" }), onInput, limit);
}

/**
 * The same with several lines; what a browser does to line ends is no change of the text.
 * @param {string} name
 * @param {number} rows
 * @param {(text: string) => void} onInput
 * @param {Limit} [limit]
 * @returns {Field}
 */
export function textArea(name, rows, onInput, limit) {
  return writable(name, element("textarea", { rows, spellcheck: "false", autocomplete: "off" }), onInput, limit);
}

/**
 * @param {string} name
 * @param {HTMLInputElement | HTMLTextAreaElement} input
 * @param {(text: string) => void} onInput
 * @param {Limit} [limit]
 * @returns {Field}
 */
function writable(name, input, onInput, limit) {
  const told = element("small", { class: "cut", role: "status" });
  input.addEventListener("input", () => {
    const cut = limit && [...input.value].length > limit.most;
    told.textContent = cut ? fill(limit.words.cutOff, { length: count([...input.value].length), most: count(limit.most) }) : "";
    if (cut) input.value = [...input.value.slice(0, 2 * limit.most)].slice(0, limit.most).join("");
    onInput(input.value);
  });
  const row = element("label", { class: "control wide" }, element("span", {}, name), input);
  const ends = input instanceof HTMLTextAreaElement ? /\r\n?/g : /$^/g;
  /** @type {Field["show"]} */
  const show = (value) => { if (input.value !== value.replace(ends, "\n")) input.value = value; };
  return Object.assign(limit ? element("div", {}, row, told) : row, { show });
}

/**
 * A text that is too long or not whole is a sentence.
 * @param {string} text
 * @param {number} most characters
 * @param {CommonWords} words
 */
export function checkText(text, most, words) {
  const length = text.length > 2 * most ? text.length : [...text].length;
  if (length > most) throw new Sentence(fill(words.long, { length, most }));
  if (!text.isWellFormed()) throw new Sentence(words.half);
}

/** @type {Record<string, string>} */
const WHITE = { " ": "·", "\n": "↵", "\t": "⇥" };

/**
 * A token's text with its white space made visible.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(/[ \n\t]/g, (sign) => WHITE[sign]);
}

/**
 * A token as a box: its text, as `visible` makes it, above its number. kind: CSS classes; tint: 0 to 3.
 * A copy of an empty box is made much sooner than a new one.
 * @param {string} text
 * @param {number | string} number or what else stands below
 * @param {string} kind
 * @param {number | null} tint
 * @returns {HTMLElement}
 */
export function chip(text, number, kind = "", tint = null) {
  const key = `chip ${kind} ${tint}`;
  let empty = EMPTY.get(key);
  if (!empty) {
    const style = tint === null ? null : `background: var(--tint-${tint}); color: #111`;
    empty = element("span", { class: `chip ${kind}`, style }, element("span"), element("small"));
    EMPTY.set(key, empty);
  }
  const made = /** @type {HTMLElement} */ (empty.cloneNode(true));
  const [above, below] = made.childNodes;
  above.textContent = text;
  below.textContent = String(number);
  return made;
}

/** @type {Map<string, HTMLElement>} the empty boxes, by what is asked of them */
const EMPTY = new Map();

/**
 * A row of a bar chart: a name, a bar as long as share (0 to 1), and words.
 * @param {string} name
 * @param {number} share
 * @param {Node | string} words
 * @param {string} colour a CSS variable, without its --
 */
export function bar(name, share, words, colour) {
  const width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return element("div", { class: "bar" }, element("span", { class: "name" }, name),
    element("span", { class: "track" },
      element("span", { class: "fill", style: `width: ${width}; background: var(--${colour})` })),
    element("span", { class: "value" }, words));
}

/**
 * A named file that is too large for the model's state, as bytes; its hash is checked.
 * @param {Model} model
 * @param {string} name
 * @returns {Promise<DataView<ArrayBuffer>>}
 */
export async function resource(model, name) {
  const [bytes] = await answered(model, name);
  const expected = model.get("_resources")[name];
  if (crypto.subtle && (await sha256(bytes)) !== expected) {
    throw new Sentence(fill(model.get("_words").damaged, { name }));
  }
  return bytes;
}

/**
 * The host's or the kernel's answer to a request: the buffers that came with it.
 * @param {Model} model
 * @param {string} name
 * @returns {Promise<DataView<ArrayBuffer>[]>}
 */
function answered(model, name) {
  return new Promise((resolve, reject) => {
    /** @type {Listener} */
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

/**
 * What is fetched when it is first needed: `value` is null until it is here. A later `fetch` tries again what
 * failed; `tell` throws, once, why it did.
 * @template Value
 * @param {() => Promise<Value>} get
 * @param {() => void} redraw
 */
export function later(get, redraw) {
  /** @type {Promise<void> | null} */
  let asked = null;
  /** @type {unknown} */
  let failed = null;
  const state = {
    value: /** @type {Value | null} */ (null),
    fetch: () => (asked ??= get().then(
      (value) => { [state.value, failed] = [value, null]; },
      (error) => { [failed, asked] = [error, null]; },
    ).then(redraw)),
    tell() {
      const error = failed;
      failed = null;
      if (error) throw error;
    },
  };
  return state;
}

/** @param {DataView<ArrayBuffer>} bytes */
async function sha256(bytes) {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Bytes as text; as hexadecimals where they are no whole characters.
 * @param {number[]} bytes
 */
export function spelled(bytes) {
  try {
    return visible(UTF8.decode(new Uint8Array(bytes)));
  } catch {
    return bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");
  }
}

/**
 * Numbers that Python has packed with 24 bits each; see `packed` in picture.py.
 * @param {Packed} packed
 * @returns {Float64Array}
 */
export function unpacked({ scale, bytes }) {
  const low = atob(bytes), values = new Float64Array(low.length / 3);
  for (let i = 0; i < values.length; i++) {
    const at = 3 * i;
    const shifted = (low.charCodeAt(at) << 8) | (low.charCodeAt(at + 1) << 16) | (low.charCodeAt(at + 2) << 24);
    values[i] = (shifted >> 8) * scale;
  }
  return values;
}

export const THOUSANDS = [1, 1e3, 1e6, 1e9, 1e12, 1e15], SECONDS = [1, 60, 3600, 86400, 31557600]; // as in picture.py

/**
 * A value in the largest of the units that it reaches, else in the first.
 * @param {number} value
 * @param {number[]} sizes
 * @param {string[]} names
 */
export function inUnits(value, sizes, names) {
  const at = Math.max(0, sizes.findLastIndex((size) => value >= size));
  return `${readable(value / sizes[at])} ${names[at]}`.trim();
}

/**
 * A named list to choose from; options: value -> words.
 * @param {string} name
 * @param {Record<string, string>} options
 * @param {(value: string) => void} onInput
 */
export function choice(name, options, onInput) {
  /** @type {HTMLSelectElement} */
  const list = element("select", { "aria-label": name, change: () => onInput(list.value) },
    ...Object.entries(options).map(([value, words]) => element("option", { value }, words)));
  const row = element("label", { class: "control wide" }, element("span", {}, name), list);
  return Object.assign(row, { list });
}
