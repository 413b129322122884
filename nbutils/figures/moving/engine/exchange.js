// Several workers train one network: each computes the gradients of its own share of a batch, and all add all gradients
// in the same order. So each turns the same weights in the same way, and they need not be sent (data parallel, as in
// chapter 7's `parallel`; there the chips' own wires carry the sums).
//
// Addition of floats depends on the order. So a batch is always cut into the same shares, however many workers there
// are, and the shares' gradients are added one after the other: the weights are the same, bit for bit.

const SHARE = 4; // documents; more bring little speed, and take memory
const LATER = 3; // where more rounds follow: they need memory for the sum of those before

/**
 * How a batch is cut: an even number of shares, so that two workers have equal work.
 * @param {number} batch documents
 * @returns {number[]} documents of each share
 */
export function shares(batch) {
  const n = batch <= 2 * SHARE ? Math.min(batch, 2) : 2 * Math.ceil(batch / (2 * LATER));
  return Array.from({ length: n }, (_, i) => Math.floor(((i + 1) * batch) / n) - Math.floor((i * batch) / n));
}

/** Messages of another worker, in order. */
class Mailbox {
  /** @param {MessagePort} port */
  constructor(port) {
    /** @type {any[]} */
    this.come = [];
    /** @type {((message: any) => void) | null} */
    this.wanted = null;
    this.port = port;
    port.onmessage = ({ data }) => {
      if (!this.wanted) return this.come.push(data);
      const give = this.wanted;
      this.wanted = null;
      return give(data);
    };
  }
  /** @returns {Promise<any>} */
  next() {
    return this.come.length ? Promise.resolve(this.come.shift()) : new Promise((done) => { this.wanted = done; });
  }
}

/**
 * What is known of a share, or of several: the sums of the losses and of what the truth pays, in nats, over its tokens.
 * rate: of the update that it is for; the first worker's holds, since its clock counts.
 * @typedef {{ tokens: number, loss: number, floor: number, looks: import("./types").Looked, rate: number }} Sums
 * @typedef {Sums & { gradients: Float32Array }} Shared
 */

/** Brings the shares of a batch together, of this worker and of the others. */
export class Exchange {
  /** @param {(MessagePort | null)[]} ports one for each worker; null for this one */
  constructor(ports) {
    this.boxes = ports.map((port) => (port ? new Mailbox(port) : null));
    this.workers = ports.length;
    /** @type {Float32Array | null} the shares of the rounds before, where there are several */
    this.before = null;
    /** @type {Float32Array[]} shares of others that have been added: their memory carries the next of this worker's */
    this.spare = [];
  }
  /**
   * Bytes that this worker holds beside its network: the sum of former rounds, and for each other worker a share on its
   * way to it.
   * @param {number} count of gradients
   * @param {number} rounds
   */
  bytes(count, rounds) {
    return 4 * count * ((rounds > 1 ? 1 : 0) + this.workers - 1);
  }
  /**
   * This worker's share, for all others.
   * @param {Shared} own
   */
  give(own) {
    for (const box of this.boxes) {
      if (!box) continue;
      const gradients = this.spare.pop() ?? new Float32Array(own.gradients.length);
      gradients.set(own.gradients);
      box.port.postMessage({ ...own, gradients }, [gradients.buffer]); // moved, not copied once more
    }
  }
  /**
   * The next share that another worker gives.
   * @param {number} worker
   * @returns {Promise<Shared>}
   */
  async take(worker) {
    const box = this.boxes[worker];
    if (!box) throw new RangeError(`worker=${worker}: it sends itself nothing; take another's share`);
    return box.next();
  }
  /**
   * Adds the shares of one round to those of the rounds before, in their order, and leaves the sum in `gradients`, which
   * is this worker's own share, if it has one.
   * @param {Float32Array} gradients
   * @param {Float32Array[]} round
   * @param {{ first: boolean, last: boolean }} place of the round in its batch
   */
  add(gradients, round, { first, last }) {
    const all = first || !this.before ? round : [this.before, ...round], [start, ...rest] = all;
    if (!rest.length) gradients.set(start);
    else for (let i = 0; i < gradients.length; i++) {
      let sum = start[i];
      for (const share of rest) sum = Math.fround(sum + share[i]); // rounded after each, as if it had been stored
      gradients[i] = sum;
    }
    this.spare = round.filter((_, worker) => this.boxes[worker]);
    if (last) return;
    this.before ??= new Float32Array(gradients.length);
    this.before.set(gradients);
  }
}
