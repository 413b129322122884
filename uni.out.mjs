// ../../h24f/uni.mjs
import fs from "fs";

// nbutils/figures/moving/smallworld.js
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
    const total = left.reduce((sum, { weight }) => sum + weight, 0), next = /* @__PURE__ */ new Map();
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
};
function several(doc, options, n2) {
  const said = [];
  while (said.length < n2) said.push(doc.choose(rest(options, said)));
  return said;
}
var SCENES = {
  introduction(doc, w) {
    const person = doc.choose(among(w.people)), { He, his, he } = w.genders[person.gender];
    doc.say(`. ${He} is a ${person.word}.`);
    const facts = several(doc, person.facts.map((fact) => [fact[0], fact]), 2);
    doc.say(` Today ${he} wears a`);
    const colour = doc.choose(among(w.colours)), clothes = doc.choose(among(w.clothes));
    doc.say(".");
    doc.say(doc.choose([
      [` What colour is ${his} ${clothes}?`, ` It is ${colour}.`],
      [` What does ${he} wear?`, ` ${He} wears a ${colour} ${clothes}.`],
      ...facts.map(([sentence, question]) => (
        /** @type {Option} */
        [question, sentence]
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
      doc.say(", and there it was. The");
      doc.say(` ${hero.word}`, "once");
      doc.say(" thanked the");
      doc.say(` ${helper.word}`, "twice");
      doc.say(".");
    }
    doc.say(" The");
    doc.say(` ${hero.word}`, "once");
    doc.say(" was happy again.");
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
    several(doc, said[person.gender], 3);
  },
  meanings(doc, w) {
    const person = doc.choose(among(w.people));
    doc.say(" is");
    const place = doc.choose(among([...new Set(w.senses.flatMap(({ places }) => places))].sort()));
    doc.say(`. ${w.genders[person.gender].He} sees a`);
    const near = w.senses.filter(({ places }) => places.includes(place));
    const sense = doc.choose(near.map((one) => [` ${one.word}`, one]));
    doc.say(".");
    several(doc, sense.facts.map((fact) => [` The ${sense.word} ${fact}.`]), 2);
    doc.say(` This ${sense.word} is ${sense.kind}.`);
  },
  sums(doc, w) {
    const notation = () => doc.choose([[" write"], [" say"]]) === " write";
    if (notation()) {
      const [a, b2] = digits(doc);
      doc.say(` and say ${w.numbers[a]} plus ${w.numbers[b2]} is ${w.numbers[a + b2]}. Then we`);
    } else {
      const [a, b2] = spoken(doc, w);
      doc.say(` and write ${a} + ${b2} = ${a + b2}. Then we`);
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
    doc.say(" more. How many");
    doc.say(` ${things}`, "once");
    doc.say(" does");
    doc.say(` ${person.name}`, "once");
    doc.say(" have now?");
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
var addends = ({ numbers }) => ADDENDS.map((n2) => [` ${numbers[n2]}`, n2]);
function digits(doc) {
  const a = doc.choose(ADDENDS.map((n2) => [` ${n2}`, n2]));
  doc.say(" +");
  const b2 = doc.choose(ADDENDS.map((n2) => [` ${n2}`, n2]));
  doc.say(` = ${a + b2}`);
  return [a, b2];
}
function spoken(doc, w) {
  const a = doc.choose(addends(w));
  doc.say(" plus");
  const b2 = doc.choose(addends(w));
  doc.say(` is ${w.numbers[a + b2]}`);
  return [a, b2];
}
function event(doc, people, events, question) {
  const end = [question, null, people.length];
  return doc.choose([...events < 4 ? among(people) : [], ...events < 2 ? [] : [end]]);
}
var openings = (scenes) => scenes.flatMap(([scene, texts, weight]) => texts.map((text) => [text, { scene, text }, weight / texts.length]));
function tell(doc, world2) {
  const first = doc.choose(openings([...world2.long, ...world2.short]));
  SCENES[first.scene](doc, world2, first.text);
  if (world2.long.some(([scene]) => scene === first.scene)) return;
  doc.say("\n");
  const second = doc.choose(openings(world2.short.filter(([scene]) => scene !== first.scene)));
  SCENES[second.scene](doc, world2, second.text);
}
function read(pieces, world2, cut) {
  const doc = new Reader(pieces, cut);
  try {
    tell(doc, world2);
    if (doc.at === pieces.length) doc.next = /* @__PURE__ */ new Map([[END, 1]]);
  } catch (error) {
    if (!(error instanceof Over)) throw error;
  }
  return doc;
}
var Writer = class {
  /**
   * @param {() => number} random each from 0 to below 1
   * @param {Cut} cut
   */
  constructor(random2, cut) {
    this.random = random2;
    this.cut = cut;
    this.pieces = [];
    this.marks = [];
    this.loss = 0;
  }
  /**
   * The options share the way from 0 to `total` by their weights; the number falls into the part of one.
   * @template Value
   * @param {Option<Value>[]} options
   * @returns {Value}
   */
  choose(options) {
    let total = 0, taken = 0;
    for (const [, , weight2 = 1] of options) total += weight2;
    for (let left = this.random() * total; taken < options.length - 1; taken++) {
      left -= options[taken][2] ?? 1;
      if (left < 0) break;
    }
    const [text, value = (
      /** @type {any} */
      text
    ), weight = 1] = options[taken];
    this.loss += Math.log(total / weight);
    this.say(text);
    return value;
  }
  /**
   * @param {string} text
   * @param {Looks} [looks]
   */
  say(text, looks) {
    for (const piece of this.cut(text)) {
      if (looks) this.marks.push([this.pieces.length, looks]);
      this.pieces.push(piece);
    }
  }
};
function write(random2, world2, cut) {
  const doc = new Writer(random2, cut);
  tell(doc, world2);
  return doc;
}

// nbutils/figures/moving/engine/plain.js
var K1 = Math.sqrt(2 / Math.PI);

// nbutils/figures/moving/engine/engine.js
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = a + 1831565813 >>> 0;
    let t = Math.imul(a ^ a >>> 15, 1 | a);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

// nbutils/figures/moving/engine/refusal.js
var Refusal = class extends RangeError {
  /**
   * @param {string} key of the table of words
   * @param {Record<string, string | number>} values
   */
  constructor(key, values = {}) {
    super(`${key} ${JSON.stringify(values)}`);
    this.key = key;
    this.values = values;
  }
};

// nbutils/figures/moving/engine/stream.js
var LATER = 1e3;
var MOST_BYTES = 2e5;
var MOST_SIGNS = 1022;
var OTHER = "\u25A1";
function stream(source, seed, window) {
  const next = random(LATER + seed);
  return source.kind === "world" ? ofWorld(source.world, next) : ofText(source.text, next, window);
}
function ofWorld(world2, next) {
  const words = world2.spoken.map((id) => world2.vocabulary[id]), end = words.length;
  const known = new Map(words.map((word, id) => [word, id]));
  const { cut, spelled } = cutter(world2);
  const idOf = (word) => {
    const id = known.get(word);
    if (id === void 0) throw new Refusal("unknownWord", { word: spelled([word]) });
    return id;
  };
  const said = (row) => row.filter((id) => id !== end).map((id) => words[id]);
  return {
    one() {
      const { pieces: told, loss, marks: marks2 } = write(next, world2, cut);
      return { ids: [end, ...told.map(idOf), end], loss, marks: marks2.map(([at, looks]) => [at + 1, looks]) };
    },
    vocab: end + 1,
    END: end,
    ids: (text) => cut(text).map(idOf),
    text: (row) => spelled(said(row)),
    judge(row, ended) {
      const told = said(row), { next: then, at } = read(told, world2, cut);
      const possible = then !== null && (!ended || then.has(END));
      return { possible, wrong: spelled(told.slice(0, at)).length };
    },
    encoding: { ids: [...world2.spoken, world2.vocabulary.length] }
  };
}
function cutter({ pattern }) {
  const word = new RegExp(pattern, "gu"), utf8 = new TextEncoder(), reading = new TextDecoder();
  const known = /* @__PURE__ */ new Map();
  const cut = (text) => {
    const found = known.get(text);
    if (found) return found;
    const made = (text.match(word) ?? []).map((one) => String.fromCharCode(...utf8.encode(one)));
    if (known.size < 1e4) known.set(text, made);
    return made;
  };
  const spelled = (words) => reading.decode(Uint8Array.from(words.join(""), (byte) => byte.charCodeAt(0)));
  return { cut, spelled };
}
function ownText(text) {
  if (!text.isWellFormed()) throw new Refusal("ownHalf", { at: text.search(/\p{Surrogate}/u) });
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) throw new Refusal("ownLong", { bytes, most: MOST_BYTES });
  const all = [...plainText(text)];
  if (!all.length) throw new Refusal("ownEmpty");
  const often = /* @__PURE__ */ new Map();
  for (const sign of all) often.set(sign, (often.get(sign) ?? 0) + 1);
  const kept = [...often.keys()].sort((a, b2) => (often.get(b2) ?? 0) - (often.get(a) ?? 0) || order(a, b2)).slice(0, MOST_SIGNS);
  const replaced = often.size - kept.length, signs = [...new Set(replaced ? [...kept, OTHER] : kept)].sort(order);
  const known = new Map(signs.map((sign, id) => [sign, id])), other = known.get(OTHER) ?? -1;
  return { signs, ids: all.map((sign) => known.get(sign) ?? other), replaced };
}
var order = (a, b2) => (a.codePointAt(0) ?? 0) - (b2.codePointAt(0) ?? 0);
var plainText = (text) => text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").normalize("NFC");
function ofText(content, next, window) {
  const { signs, ids } = ownText(content), end = signs.length, all = [...ids, end];
  const known = new Map(signs.map((sign, id) => [sign, id])), places = Math.max(0, all.length - window) + 1;
  const text = (row) => row.filter((id) => id !== end).map((id) => signs[id]).join("");
  return {
    one() {
      const at = Math.floor(next() * places);
      return { ids: [end, ...all.slice(at, at + window)], loss: NaN };
    },
    vocab: end + 1,
    END: end,
    ids: (said) => [...plainText(said)].map((sign) => {
      const id = known.get(sign) ?? known.get(OTHER);
      if (id === void 0) throw new Refusal("unknownSign", { sign });
      return id;
    }),
    text,
    judge: (row) => ({ possible: null, wrong: text(row).length }),
    encoding: { characters: signs }
  };
}

// ../../h24f/uni.mjs
var world = JSON.parse(fs.readFileSync("/tmp/h24f/world.json", "utf8"));
var d = stream({ kind: "world", world }, 5, 80);
var u = /* @__PURE__ */ new Map();
var b = /* @__PURE__ */ new Map();
var bc = /* @__PURE__ */ new Map();
var n = 0;
var fl = 0;
var docs = Array.from({ length: 6e3 }, d.one);
for (const { ids, loss } of docs) {
  fl += loss;
  for (let i = 1; i < ids.length; i++) {
    n++;
    u.set(ids[i], (u.get(ids[i]) ?? 0) + 1);
    const k = ids[i - 1] * 1e3 + ids[i];
    b.set(k, (b.get(k) ?? 0) + 1);
    bc.set(ids[i - 1], (bc.get(ids[i - 1]) ?? 0) + 1);
  }
}
var H = 0;
var B = 0;
for (const c of u.values()) H -= c / n * Math.log(c / n);
for (const [k, c] of b) B -= c / n * Math.log(c / bc.get(Math.floor(k / 1e3)));
var marks = { once: 0, twice: 0 };
for (const x of docs) for (const [, k] of x.marks) marks[k]++;
console.log({ unigram: H, bigram: B, floor: fl / n, tokensPerDoc: n / 6e3, marks });
