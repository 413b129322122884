// What a run in the page is made of, and what is said between the page and its Workers. Only tsc and editors read this.
import type { Config, Network, World } from "../types";

/** Which loops run: WebAssembly with relaxed SIMD, with SIMD, or JavaScript. */
export type Way = "relaxed" | "simd" | "js";

/** What the reader chose; limits.js says what is allowed. */
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
  workers?: number; // cores, 1 unless said; the weights are the same, bit for bit
}

/** Where documents come from. */
export type Source = { kind: "world"; world: World } | { kind: "text"; text: string };

/** A document: ids with END before and after it, and what the truth pays for them, in nats; NaN where nobody knows. */
export interface Document {
  ids: number[];
  loss: number;
  marks?: number[]; // places of ids that only a reader knows who looks back; what the truth pays for them is 0
}

/** Of the words that were marked: how many, and the sum of their losses in nats. hidden: what they repeat is out of sight. */
export type Looked = Record<"shown" | "hidden", { n: number; loss: number }>;

export interface Start {
  type: "start";
  settings: Settings;
  source: Source;
  ways: Way[];
  worker: number; // which of them it is
  ports: (MessagePort | null)[]; // to each of them; null: itself
  from?: Trained;
}
/** On, where it stopped; after the end: so many seconds more, on a schedule of their own. */
export interface Go {
  type: "go";
  seconds?: number;
}
/** What is asked of the network as it is now, while it learns and after. */
export type Request =
  | { type: "talk"; id: number; text: string; seed: number; temperature: number; length?: number } // length: tokens at most, 80 unless said
  | { type: "next"; id: number; text: string; most: number } // what comes next by the network, in truth: so many by name
  | { type: "weights" };
export type Reply =
  | { type: "said"; id: number; text: string; possible: boolean | null; wrong: number; refused?: Refused } // wrong: the first character that can't be
  | { type: "next"; id: number; likely: Likely[]; rest: Likely } // rest: all others
  | { type: "next"; id: number; refused: Refused } // the text has a word that no document has, or is too long
  | { type: "weights"; network: Trained; step: number };

export type ToWorker =
  | Start
  | { type: "stop" } // at once; what was learned is kept
  | Go
  | { type: "hide" } // the page: its tab is not seen; runs.js sends it
  | { type: "show" }
  | Request;

export type FromWorker =
  | { type: "here" } // the script runs; runs.js keeps it to itself
  | { type: "ready"; way: Way; parameters: number; bytes: number; alone?: boolean } // alone: it computes on the page itself
  | ({ type: "progress" } & Progress)
  | { type: "paused" } // since nobody sees the page
  | { type: "resumed" } // after a stop, the end or a pause
  | { type: "stopped" | "done"; seconds: number; step: number; diverged: boolean } // diverged: its loss is no number any more
  | Reply
  | ({ type: "failed" } & Told); // and is over

/** An error: in English for who develops, and for the reader. key: "memory", "worker", "broken", or what a Refusal names. */
export interface Told extends Refused {
  what: string;
}

/** A Worker's own scope, or one like it on the page. */
export interface Scope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: { data: ToWorker }) => void) | null;
  onmessageerror?: (() => void) | null;
}

/** Of a run, since the message before. Losses are means, in nats a token. */
export interface Progress {
  seconds: number; // of computing, since the start
  done: number; // of the schedule, 0 to 1
  step: number;
  all: number; // tokens since the start
  loss: number;
  floor: number; // NaN: nobody knows
  looks: Looked;
  rate: number; // the learning rate now
  speed: number; // tokens a second of computing
  share: number; // of the last second, computed
  losses: number[]; // of each update
}

/** A token that may come next. name: null is the end; truth: null where nobody knows. */
export interface Likely {
  name: string | null;
  p: number;
  truth: number | null;
}

/** What the reader is told: a key of the picture's words, and what is filled in. */
export interface Refused {
  key: string;
  values: Record<string, string | number>;
}

/** A network with what its ids mean. */
export interface Trained extends Network {
  config: Config & { vocab_size: number; block_size: number };
  /** ids: of smallworld's encoding, one for each of the network's; or the characters of an own text, END last. */
  encoding: { ids: number[] } | { characters: string[] };
}

/** The fields of nbutils.config.GPTConfig that make its shape. */
export type OwnConfig = Trained["config"] & { bias: boolean; tie_weights: boolean };

/** A reader's network as own.js opens it: with the name of its file, its date, and by what settings it was made. */
export interface Own {
  network: Trained & { config: OwnConfig };
  name: string;
  date: string;
  made: Record<string, unknown>;
}
