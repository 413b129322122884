// What smallworld can say, and how likely: smallworld/scenes.py, told by a reader of a text or by chance.
// `world` holds the same tables; sampler.py writes them.

/** @import { Country, Cut, Next, Openings, Option, Person, Teller, World } from "./types" */
/** @typedef {{ pieces: string[], value: any, weight: number }} Choice what an option says, cut */

export const END = ""; // as a piece; no other is empty

class Over extends Error {}

/**
 * Options of names, or of what has one.
 * @template {string | { name: string }} Value
 * @param {Value[]} values
 * @returns {Option<Value>[]}
 */
const among = (values) => values.map((value) => [` ${typeof value === "string" ? value : value.name}`, value]);
/**
 * The options without those whose values have been said.
 * @template Value
 * @param {Option<Value>[]} options
 * @param {Value[]} said
 */
const rest = (options, said) => options.filter(([text, value = /** @type {any} */ (text)]) => !said.includes(value));

// Answers every choice as the given pieces do; at their end, `next` is piece -> probability.
class Reader {
  /**
   * @param {string[]} pieces
   * @param {Cut} cut
   */
  constructor(pieces, cut) {
    this.pieces = pieces;
    this.cut = cut;
    this.at = 0;
    /** @type {Next} */
    this.next = null;
  }
  /**
   * options: [text, value (the text), weight (1)]. Returns the value of the one that was taken.
   * @template Value
   * @param {Option<Value>[]} options
   * @returns {Value}
   */
  choose(options) {
    let left = options.map(([text, value = /** @type {any} */ (text), weight = 1]) => ({ pieces: this.cut(text), value, weight }));
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
    const total = left.reduce((sum, { weight }) => sum + weight, 0), next = new Map();
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
}

/**
 * n of the options, no value twice.
 * @template Value
 * @param {Teller} doc
 * @param {Option<Value>[]} options
 * @param {number} n
 */
function several(doc, options, n) {
  /** @type {Value[]} */
  const said = [];
  while (said.length < n) said.push(doc.choose(rest(options, said)));
  return said;
}

/** @type {Record<string, (doc: Teller, w: World, opening: string) => void>} */
const SCENES = {
  introduction(doc, w) {
    const person = doc.choose(among(w.people)), { He, his, he } = w.genders[person.gender];
    doc.say(`. ${He} is a ${person.word}.`);
    const facts = several(doc, person.facts.map((fact) => [fact[0], fact]), 2);
    doc.say(` Today ${he} wears a`);
    const colour = doc.choose(among(w.colours)), clothes = doc.choose(among(w.clothes));
    doc.say(".");
    doc.say(doc.choose([[` What colour is ${his} ${clothes}?`, ` It is ${colour}.`],
      [` What does ${he} wear?`, ` ${He} wears a ${colour} ${clothes}.`],
      ...facts.map(([sentence, question]) => /** @type {Option} */ ([question, sentence]))]));
  },
  tale(doc, w) {
    const [hero, told] = doc.choose(w.figures.flatMap((figure) => [[` ${figure.word} lived`, [figure, false]],
      [` ${figure.wealth} ${figure.age} ${figure.word} lived`, [figure, true]]]));
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
      doc.say(` ${hero.word}`, true);
      doc.say(` thanked the ${helper.word}.`);
    }
    doc.say(" The");
    doc.say(` ${hero.word}`, true);
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
    /** @type {Option<Country>[]} */
    const lands = w.countries.map((country) => [` ${country.country}`, country]);
    doc.say(" went to");
    const first = doc.choose(lands);
    doc.say(" and");
    const other = doc.choose(rest(among(w.people), [one]));
    doc.say(" went to");
    const went = new Map([[one, first], [other, doc.choose(rest(lands, [first]))]]);
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
    doc.say(" more. How many");
    doc.say(` ${things}`, true);
    doc.say(" does");
    doc.say(` ${person.name}`, true);
    doc.say(" have now?");
    doc.say(` ${He} has ${w.numbers[had + more]}.`);
  },
  kinds(doc, w) {
    /** @type {Option[]} */
    const kinds = Object.entries(w.kinds).map(([word, kind]) => [` ${word} is ${kind}`, word]);
    const first = doc.choose(kinds);
    doc.say(", and every");
    doc.choose(rest(kinds, [first]));
    doc.say(".");
  },
  gifts(doc, w) {
    const people = [doc.choose(among(w.people))], owner = new Map();
    doc.say(",");
    people.push(doc.choose(rest(among(w.people), people)));
    doc.say(" and");
    people.push(doc.choose(rest(among(w.people), people)));
    doc.say(". They are in the");
    doc.choose(among(w.places));
    doc.say(".");
    /** @param {Person[]} those */
    const gets = (those) => {
      const person = doc.choose(among(those));
      doc.say(" has a");
      owner.set(doc.choose(rest(among(w.things), [...owner.keys()])), person);
      doc.say(".");
      return person;
    };
    const first = gets(people);
    gets(people.filter((person) => person !== first));
    for (let events = 0, person; (person = event(doc, [...new Set(owner.values())], events, " Who has the")); events++) {
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
    const place = new Map(), thing = new Map();
    for (let i = 0; i < 2; i++) {
      const person = doc.choose(rest(among(w.people), [...place.keys()]));
      doc.say(" is in the");
      place.set(person, doc.choose(rest(among(w.places), [...place.values()])));
      doc.say(" and has a");
      thing.set(person, doc.choose(rest(among(w.things), [...thing.values()])));
      doc.say(".");
    }
    const people = [...place.keys()];
    for (let events = 0, person; (person = event(doc, people, events, " Where is")); events++) {
      doc.say(" goes to the");
      place.set(person, doc.choose(rest(among(w.places), [place.get(person)])));
      doc.say(".");
    }
    const person = doc.choose(among(people));
    doc.say(`? ${w.genders[person.gender].He} is in the ${place.get(person)}. And where is the`);
    const asked = doc.choose(among([...thing.values()])), owner = people.find((one) => thing.get(one) === asked);
    doc.say(`? It is in the ${place.get(owner)}.`);
  },
};

/**
 * @param {Teller} doc
 * @param {World} world
 * @param {string} opening
 * @param {Country | null} last the country that was told of
 */
function frame(doc, { frames, countries }, opening, last) {
  const [slots, ends] = frames[opening], often = 2 * (countries.length - 1);
  const country = doc.choose(slots.flatMap((slot) => countries.map((one) =>
    /** @type {Option<Country>} */ ([` ${one[slot]}`, one, one === last ? often : 1]))));
  doc.say(` ${country[doc.choose(Object.entries(ends))]}.`);
  return country;
}

/**
 * @param {Teller} doc
 * @param {Map<Person, Country>} went
 * @param {Option[]} deeds
 */
function deed(doc, went, deeds) {
  const first = doc.choose(among([...went.keys()])), done = doc.choose(deeds);
  const where = /** @type {(who: Person) => Country} */ ((who) => went.get(who));
  doc.say(` ${where(first)[done]}, and`);
  const [second] = [...went.keys()].filter((person) => person !== first);
  const [[does]] = deeds.filter(([, value]) => value === done);
  doc.say(` ${second.name}${does} ${where(second)[done]}.`);
  return done;
}

const ADDENDS = [1, 2, 3, 4, 5, 6, 7];
/**
 * @param {World} world
 * @returns {Option<number>[]}
 */
const addends = ({ numbers }) => ADDENDS.map((n) => [` ${numbers[n]}`, n]);

/** @param {Teller} doc */
function digits(doc) {
  const a = doc.choose(ADDENDS.map((n) => [` ${n}`, n]));
  doc.say(" +");
  const b = doc.choose(ADDENDS.map((n) => [` ${n}`, n]));
  doc.say(` = ${a + b}`);
  return [a, b];
}

/**
 * @param {Teller} doc
 * @param {World} w
 */
function spoken(doc, w) {
  const a = doc.choose(addends(w));
  doc.say(" plus");
  const b = doc.choose(addends(w));
  doc.say(` is ${w.numbers[a + b]}`);
  return [a, b];
}

/**
 * Who acts next, or null with the question that ends the events: after two to four.
 * @param {Teller} doc
 * @param {Person[]} people
 * @param {number} events
 * @param {string} question
 * @returns {Person | null}
 */
function event(doc, people, events, question) {
  /** @type {Option<Person | null>} */
  const end = [question, null, people.length];
  return doc.choose([...(events < 4 ? among(people) : []), ...(events < 2 ? [] : [end])]);
}

/**
 * @param {Openings} scenes
 * @returns {Option<{ scene: string, text: string }>[]}
 */
const openings = (scenes) => scenes.flatMap(([scene, texts, weight]) =>
  texts.map((text) => [text, { scene, text }, weight / texts.length]));

/**
 * A long scene, or two short ones that differ.
 * @param {Teller} doc
 * @param {World} world
 */
function tell(doc, world) {
  const first = doc.choose(openings([...world.long, ...world.short]));
  SCENES[first.scene](doc, world, first.text);
  if (world.long.some(([scene]) => scene === first.scene)) return;
  doc.say("\n");
  const second = doc.choose(openings(world.short.filter(([scene]) => scene !== first.scene)));
  SCENES[second.scene](doc, world, second.text);
}

/**
 * The pieces of a text as a document's beginning. next: the true probabilities of what comes after them, null if no
 * document begins so; at: how many of them can stand so.
 * @param {string[]} pieces
 * @param {World} world
 * @param {Cut} cut a text's pieces
 * @returns {{ next: Next, at: number }}
 */
export function read(pieces, world, cut) {
  const doc = new Reader(pieces, cut);
  try {
    tell(doc, world);
    if (doc.at === pieces.length) doc.next = new Map([[END, 1]]);
  } catch (error) {
    if (!(error instanceof Over)) throw error;
  }
  return doc;
}

/**
 * The true probabilities of what comes after the pieces: a Map, or null if no document begins so.
 * @param {string[]} pieces
 * @param {World} world
 * @param {Cut} cut a text's pieces
 * @returns {Next}
 */
export function nextProbabilities(pieces, world, cut) {
  return read(pieces, world, cut).next;
}

// Answers every choice by chance, as choices.py's Writer, and adds up what the truth pays for the document, in nats:
// each choice costs the logarithm of 1 / its probability, and what is certain costs nothing. No network can be expected
// to pay less, so this is the floor under its loss, known as the document is written.
class Writer {
  /**
   * @param {() => number} random each from 0 to below 1
   * @param {Cut} cut
   */
  constructor(random, cut) {
    this.random = random;
    this.cut = cut;
    /** @type {string[]} */
    this.pieces = [];
    /** @type {number[]} places of words that only a reader knows who looks back */
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
    for (const [, , weight = 1] of options) total += weight;
    for (let left = this.random() * total; taken < options.length - 1; taken++) {
      left -= options[taken][2] ?? 1;
      if (left < 0) break;
    }
    const [text, value = /** @type {any} */ (text), weight = 1] = options[taken];
    this.loss += Math.log(total / weight);
    this.say(text);
    return value;
  }
  /**
   * @param {string} text
   * @param {boolean} [recalled]
   */
  say(text, recalled = false) {
    for (const piece of this.cut(text)) {
      if (recalled) this.marks.push(this.pieces.length);
      this.pieces.push(piece);
    }
  }
}

/**
 * One more document of the world: its pieces without the END, which is certain, what the truth pays for all of them, and
 * which of them only a reader knows who looks back.
 * @param {() => number} random each from 0 to below 1
 * @param {World} world
 * @param {Cut} cut a text's pieces
 * @returns {{ pieces: string[], loss: number, marks: number[] }}
 */
export function write(random, world, cut) {
  const doc = new Writer(random, cut);
  tell(doc, world);
  return doc;
}
