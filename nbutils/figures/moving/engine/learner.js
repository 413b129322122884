// One of the workers that train a network, mostly the only one: documents, gradients, updates.
import { Trainer } from "./engine.js";
import { Exchange, shares } from "./exchange.js";
import { add, looked, none } from "./looks.js";
import { next } from "./next.js";
import { Refusal } from "./refusal.js";
import { pieces, stream } from "./stream.js";
import { talk } from "./talk.js";
import recipe from "../recipe.json";
import wasm from "./wasm.json";

/** @import { Document, Reply, Request, Start, Trained, Way } from "./types" */
/** @typedef {import("./exchange.js").Sums} Sums */
/** @typedef {import("./stream.js").Stream} Stream */

const LONGEST = 80; // tokens of a document
const { heads, betas, weight_decay, momentum, grad_clip } = recipe;

export class Learner {
  /**
   * @param {Start} start
   * @param {Stream} docs
   * @param {Trainer} trainer
   */
  constructor({ settings, worker, ports }, docs, trainer) {
    this.settings = settings;
    this.worker = worker; // which of them it is; the first one tells the page, and its clock counts
    this.docs = docs;
    this.trainer = trainer;
    this.exchange = new Exchange(ports);
    this.shares = shares(settings.batch);
  }

  /**
   * @param {Start} start
   * @throws {RangeError} documents, or weights to begin from, that can't be read
   */
  static async make(start) {
    const { settings, source, ways, from } = start, { layers, width, positions, window, seed } = settings;
    const docs = stream(source, seed, window);
    const config = { vocab_size: docs.vocab, block_size: window, n_layer: layers, n_head: heads, n_embd: width, rotary: positions === "rotary", positions };
    const most = Math.max(...shares(settings.batch)) * LONGEST; // one share at a time: memory for more is not needed
    const trainer = await Trainer.make(config, { most, longest: window, files: filesOf(ways), seed });
    if (from) begin(trainer, docs, from);
    return new Learner(start, docs, trainer);
  }

  get step() {
    return this.trainer.step;
  }
  /** What the page is told of it when it begins. */
  get made() {
    const { trainer, exchange } = this, parameters = trainer.tensors.reduce((sum, { n }) => sum + n, 0);
    const rounds = Math.ceil(this.shares.length / exchange.workers), each = trainer.f.buffer.byteLength + exchange.bytes(trainer.count, rounds);
    return { way: trainer.backend, parameters, bytes: exchange.workers * each };
  }

  /**
   * One update of the weights, with a batch of fresh documents.
   * @param {number} rate the learning rate; where there are several workers, the first one's holds
   * @param {() => Promise<void>} turn between two pieces of work: the page is heard, and may stop it there
   * @returns {Promise<Sums & { diverged: boolean }>} of the batch, before the update
   */
  async update(rate, turn) {
    const { trainer, settings, exchange } = this;
    const batch = Array.from({ length: settings.batch }, this.docs.one);
    /** @type {Sums} */
    const sums = { tokens: 0, loss: 0, floor: 0, looks: none(), rate };
    for (let n = 0; n < this.shares.length; n += exchange.workers) {
      await this.round(n, batch, sums);
      await turn();
    }
    if (!Number.isFinite(sums.loss)) return { ...sums, diverged: true };
    const length = trainer.update(sums.rate, { betas, weight_decay, momentum, grad_clip, optimizer: settings.optimizer, scale: 1 / sums.tokens });
    return { ...sums, diverged: !Number.isFinite(length) };
  }

  /**
   * Each worker computes one share of the batch, from the n-th on, and all of these are added.
   * @param {number} n
   * @param {Document[]} batch
   * @param {Sums} sums
   */
  async round(n, batch, sums) {
    const { exchange, shares: sizes, trainer } = this, mine = n + this.worker, taken = sizes.slice(0, mine).reduce((a, b) => a + b, 0);
    const own = mine < sizes.length ? this.compute(batch.slice(taken, taken + sizes[mine]), sums.rate) : null;
    if (own) exchange.give(own);
    const round = [];
    for (let worker = 0; worker < exchange.workers && n + worker < sizes.length; worker++) {
      const share = worker === this.worker && own ? own : await exchange.take(worker);
      round.push(share.gradients);
      sums.tokens += share.tokens;
      sums.loss += share.loss;
      sums.floor += share.floor;
      add(sums.looks, share.looks);
      if (worker === 0) sums.rate = share.rate;
    }
    const gradients = trainer.f.subarray(trainer.grads, trainer.grads + trainer.count);
    exchange.add(gradients, round, { first: n === 0, last: n + exchange.workers >= sizes.length });
  }

  /**
   * One share: the gradients of the sum of its tokens' losses, since the batch's mean is known last.
   * @param {Document[]} documents
   * @param {number} rate
   * @returns {import("./exchange.js").Shared}
   */
  compute(documents, rate) {
    const { trainer, settings: { window } } = this;
    const mean = trainer.lossAndGradients(documents.flatMap(({ ids }) => pieces(ids, window)), 1), tokens = trainer.N;
    const floor = documents.reduce((sum, { loss }) => sum + loss, 0);
    const looks = looked(documents, window, trainer.lossesOfLabels());
    return { tokens, loss: mean * tokens, floor, looks, rate, gradients: trainer.f.subarray(trainer.grads, trainer.grads + trainer.count) };
  }

  /** @returns {Trained} a copy */
  network() {
    return { ...this.trainer.network(), encoding: this.docs.encoding };
  }

  /**
   * What is asked of the network as it is now.
   * @param {Request} request
   * @param {() => Promise<void>} breathe
   * @returns {Promise<Reply>}
   */
  async answer(request, breathe) {
    if (request.type === "weights") return { type: "weights", network: this.network(), step: this.step };
    const { id, text } = request;
    try {
      if (request.type === "talk") return { type: "said", id, ...(await talk(this.trainer, this.docs, request, breathe)) };
      return { type: "next", id, ...next(this.trainer, this.docs, text, request.most) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const refused = { key: error.key, values: error.values };
      return request.type === "talk" ? { type: "said", id, text, possible: null, wrong: text.length, refused } : { type: "next", id, refused };
    }
  }
}

/**
 * The WebAssembly of the ways that are asked for, the first that runs here is taken.
 * @param {Way[]} ways
 */
function filesOf(ways) {
  const known = /** @type {Record<string, string>} */ (wasm);
  return Object.fromEntries(ways.filter((way) => known[way]).map((way) => [way, bytes(known[way])]));
}

/** @param {string} base64 */
const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

/**
 * A trainer takes weights that are given.
 * @param {Trainer} trainer
 * @param {Stream} docs
 * @param {Trained} from
 * @throws {RangeError} where they are of another network, or of another vocabulary, or no numbers
 */
function begin(trainer, docs, from) {
  const same = JSON.stringify(from.encoding) === JSON.stringify(docs.encoding);
  if (!same) throw new RangeError("from: its ids mean other words than those of these documents; train it on its own documents");
  for (const { name, n } of trainer.tensors) {
    const values = from.weights[name];
    if (values?.length !== n) throw new RangeError(`from: ${name} has ${values?.length ?? "no"} numbers, and this network ${n}; choose its layers, width, window and positions`);
    if (!values.every(Number.isFinite)) throw new RangeError(`from: ${name} has numbers that are not finite; begin from a network that did not diverge`);
    trainer.get(name).set(values);
  }
}
