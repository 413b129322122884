// Documents without end, as ids of the words that smallworld can say; the last id is END. Or pieces of an own text.
import { END as ENDS, nextProbabilities, write } from "../smallworld.js";
import { random } from "./engine.js";

export function stream(source, seed, window) {
  const docs = source.kind === "world" ? ofWorld(source.world, seed) : ofText(source.text, seed, window);
  return docs;
}

function ofWorld(world, seed) {
  const words = world.spoken.map((id) => world.vocabulary[id]), ids = new Map(words.map((word, id) => [word, id])), END = words.length;
  const next = random(1000 + seed), pattern = new RegExp(world.pattern, "gu"), known = new Map(), utf8 = new TextEncoder(), plain = new TextDecoder();
  const pieces = (text) => (text.match(pattern) ?? []).map((piece) => String.fromCharCode(...utf8.encode(piece)));
  const cut = (text) => known.get(text) ?? known.set(text, pieces(text)).get(text);
  const idsOf = (text) => pieces(text).map((piece) => {
    if (!ids.has(piece)) throw new RangeError(`no word for ${piece}`);
    return ids.get(piece);
  });
  const one = () => { const { pieces: said, loss } = write(next, world, cut); return { ids: [END, ...said.map((piece) => ids.get(piece)), END], loss }; };
  const text = (row) => plain.decode(Uint8Array.from(row.filter((id) => id !== END).map((id) => words[id]).join(""), (sign) => sign.charCodeAt(0)));
  const judge = (row, ended) => {
    const said = row.filter((id) => id !== END).map((id) => words[id]);
    for (let n = 0; n < said.length; n++) {
      if (!nextProbabilities(said.slice(0, n), world, cut)?.has(said[n])) return { possible: false, wrong: text(row.slice(0, n + 1)).length };
    }
    const all = nextProbabilities(said, world, cut);
    return { possible: Boolean(all && (!ended || all.has(ENDS))), wrong: text(row).length };
  };
  return { one, text, END, vocab: END + 1, ids: idsOf, judge, encoding: { ids: [...world.spoken, world.vocabulary.length] } };
}

function ofText(content, seed, window) {
  const signs = [...new Set(content)].sort(), ids = new Map(signs.map((sign, id) => [sign, id])), END = signs.length;
  const all = Array.from(content, (sign) => ids.get(sign)), next = random(1000 + seed);
  const one = () => { const at = Math.floor(next() * Math.max(1, all.length - window)); return { ids: all.slice(at, at + window + 1), loss: NaN }; };
  const text = (row) => row.filter((id) => id !== END).map((id) => signs[id]).join("");
  return { one, text, END, vocab: END + 1, ids: (said) => Array.from(said, (sign) => ids.get(sign)), judge: (row) => ({ possible: null, wrong: text(row).length }), encoding: { characters: signs } };
}
