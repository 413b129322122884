// What a run in the page is made of, and what is said between the page and its Workers. Only tsc and editors read this.
import type { Config, Looks, Network, World } from "../types";

/** Which loops run: WebAssembly with relaxed SIMD, with SIMD, or JavaScript. */
export type Way = "relaxed" | "simd" | "js";

/** What the reader chose. */
export interface Settings {
  layers: number;
  width: number; // C; 4 heads
  positions: "rotary" | "table" | "none";
  window: number; // tokens that a position may see; 80: any document whole
  optimizer: "adamw" | "muon";
  rate: number; // the highest learning rate
  seconds: number; // of computing; the rate falls to 0 until then
  steps?: number; // of updates, in place of the seconds: such a run is the same everywhere
  batch: number; // documents an update
  seed: number; // of the first weights, and of the documents
}

/** Where documents come from. */
export type Source = { kind: "world"; world: World } | { kind: "text"; text: string };

/** A document: ids with END before and after it, and what the truth pays for them, in nats; NaN where nobody knows. */
export interface Document {
  ids: number[];
  loss: number;
  marks?: [at: number, looks: Looks][]; // ids that only a reader knows who looks back; what the truth pays for them is 0
}

/** Of the words that were marked: how many, and the sum of their losses in nats. hidden: what they repeat is in no window. */
export type Looked = Record<Looks | "hidden", { n: number; loss: number }>;

export type ToWorker =
  | { type: "start"; settings: Settings; source: Source; ways: Way[]; worker: number; ports: (MessagePort | null)[]; from?: Network }
  | { type: "stop" } // at once; what was learned is kept
  | { type: "go"; seconds?: number } // on, where it stopped; after the end: so many seconds more, on a schedule of their own
  | { type: "talk"; id: number; text: string; seed: number; temperature: number }
  | { type: "weights" };

export type FromWorker =
  | { type: "ready"; way: Way; parameters: number; bytes: number }
  | ({ type: "progress" } & Progress)
  | { type: "stopped" | "done"; seconds: number; step: number }
  | { type: "said"; id: number; text: string; possible: boolean | null; wrong: number } // wrong: the first character that can't be
  | { type: "weights"; network: Trained }
  | { type: "failed"; what: string };

/** Of a run, since the message before. Losses are means, in nats a token. */
export interface Progress {
  seconds: number; // of computing, since the start
  done: number; // of the schedule, 0 to 1
  step: number;
  all: number; // tokens since the start
  loss: number;
  floor: number; // NaN: nobody knows
  rate: number; // the learning rate now
  speed: number; // tokens a second of computing
  share: number; // of the time that went by, computed
}

/** A network with what its ids mean. */
export interface Trained extends Network {
  config: Config & { vocab_size: number; block_size: number };
  /** ids: of smallworld's encoding, one for each of the network's; or the characters of an own text, END last. */
  encoding: { ids: number[] } | { characters: string[] };
}
