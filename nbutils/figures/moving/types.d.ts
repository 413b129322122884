// The types that the pictures' scripts share. Only tsc and editors read them, in `make check`.

/** anywidget's model: a picture's state, which Python shares where there is a kernel. */
export interface Model<State = any> {
  get<Name extends keyof State>(name: Name): State[Name];
  set<Name extends keyof State>(name: Name, value: State[Name]): void;
  save_changes(): void;
  on(event: string, listener: Listener): void;
  off(event: string, listener: Listener): void;
  send(message: object): void;
}

export type Listener = (...values: any[]) => void;

/** The words that any picture may need. */
export type CommonWords = typeof import("../../words/en/pictures/common.json");

/** What the state of each picture holds: the SHA-256 of each file that it may ask for, and all words. */
export interface Common {
  _resources: Record<string, string>;
  _words: CommonWords;
  _kept: string[]; // names of what the reader changes
}

/** What `build` gets. words: its own and the common ones; redraw: draw again; said: where the sentence stands,
 * below all else where the picture gives it no other place. */
export interface Parts<Words, State> {
  model: Model<State & Common>;
  root: HTMLElement;
  words: Words & CommonWords;
  said: HTMLElement;
  redraw: () => void;
}

/** Fills parts.root; what it returns draws the model's state, and returns the sentence that says it. */
export type Build<Words, State> = (parts: Parts<Words, State>) => () => string;

/** The page that a picture stands in, where it has an address and remembers. Notebooks have none. */
export interface Page {
  /** The address that opens the page at this picture, in its state now. */
  link(): string;
  /** The picture is drawn: it can adopt a state, and says whether that could be drawn. */
  ready(adopt: (state: Record<string, unknown>) => boolean): void;
}

/** What anywidget and pages call to show a picture in `el`; what it returns ends the picture. */
export interface Widget {
  render(host: { model: Model; el: HTMLElement; page?: Page }): () => void;
}

/** Where a page keeps what a reader did, on their own machine only: book/scripts/memory.js. */
export interface Memory {
  get(path: string[], otherwise?: unknown): any;
  set(path: string[], value: unknown): void;
}

declare global {
  interface Window {
    nextToken?: { memory?: Memory; page?: string; network?: { name: string; date: string; file: ArrayBuffer } };
  }
}

/** An attribute of an element. true: present; false, null, undefined: absent; a function: a listener. */
export type Attribute = string | number | boolean | null | undefined | ((event: any) => void);

/** A range; show() moves it to a value from 0 to most, said in words. */
export type Range = HTMLElement & {
  show: (value: number, most: number, words: string) => void;
};

/** How many characters a field takes; words: that say so. */
export interface Limit {
  most: number;
  words: { cutOff: string };
}

/** A field for a text. */
export type Field = HTMLElement & { show: (value: string) => void };

/** Numbers of a vector, in whatever array they stand. */
export type Numbers = number[] | Float64Array;

/** A word's bar: its probability by a network, with what it is drawn, and in truth (null: nobody knows). Without a name: all others. */
export type Row = [name: string, p: number, drawn: number, truth: number | null];

/** A place in a plane: x, y. */
export type Point = [number, number];

/** Numbers as `packed` in picture.py writes them. */
export interface Packed {
  scale: number;
  bytes: string;
}

// gpt.js. C: n_embd; H: n_head; T: positions so far; V: the vocabulary.

/** What the network is: fields of GPTConfig. */
export interface Config {
  n_layer: number;
  n_head: number;
  n_embd: number;
  rotary: boolean;
  qk_norm: boolean;
  rms_norm: boolean;
  relu_squared: boolean;
}

export interface Network {
  config: Config;
  weights: Record<string, Float32Array>;
}

/** Where a safetensors file says that each tensor's numbers lie. */
export type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** A layer's keys and values, each T rows (C,). */
export interface KeysAndValues {
  k: Float64Array[];
  v: Float64Array[];
}

/** All layers' keys and values of the `length` tokens that were read. */
export interface KVCache {
  length: number;
  layers: KeysAndValues[];
}

/** A layer's values at one position; the names are those of trace.py. (C,) where nothing is said. */
export interface LayerValues {
  attention_normed: Float64Array;
  q: Float64Array; // heads side by side, as in k, v and heads
  k: Float64Array;
  v: Float64Array;
  scores: Float64Array; // (H * T,): to the position itself, as later ones are not there yet
  weights: Float64Array; // (H * T,)
  heads: Float64Array;
  attention_answer: Float64Array;
  after_attention: Float64Array;
  mlp_normed: Float64Array;
  mlp_hidden: Float64Array; // (4 * C,)
  mlp_answer: Float64Array;
  after_mlp: Float64Array;
}

/** Every value at one position, (C,) each. */
export interface Values {
  token_embedding: Float64Array;
  position_embedding: Float64Array;
  embedded: Float64Array;
  layers: LayerValues[];
  final_normed: Float64Array;
}

// smallworld.js. The tables are those of smallworld/tables.py; sampler.py writes them.

/** A choice: its text, its value (the text, where there is none), its weight (1). */
export type Option<Value = string> = [text: string, value?: Value, weight?: number];

/** A text's pieces: a character for each byte. */
export type Cut = (text: string) => string[];

/** Who answers where a document could go on in more than one way: a text that is read, or chance. */
export interface Teller {
  choose<Value>(options: Option<Value>[]): Value;
  say(text: string, recalled?: boolean): void; // recalled: it was said before, and who looks back knows it for certain
}

/** What a network's ids mean. The last is the end of a document, end. */
export interface Meaning {
  end: number;
  name(id: number): string; // any but the end
  ids(text: string): number[]; // what it can't read is a Sentence
  truth(text: string): Float64Array | null; // (V,), the world's probabilities; null where it never begins so, or has none
}

/** What comes next: piece -> probability; null where no document begins so. */
export type Next = Map<string, number> | null;

export interface Person {
  name: string;
  gender: number; // its place in the genders
  word: string;
  facts: [sentence: string, question: string][];
}

/** A figure of a tale. */
export interface Figure {
  word: string;
  gender: number;
  wealth: string;
  age: string;
}

/** A thing with two meanings. */
export interface Sense {
  word: string;
  kind: string;
  places: string[];
  facts: string[];
}

/** What is said of a country, by what it is. */
export type Country = Record<string, string>;

/** Scenes that begin a document: [name, its openings, weight]. */
export type Openings = [scene: string, texts: string[], weight: number][];

export interface World {
  vocabulary: string[];
  spoken: number[]; // ids of the words that it can say
  pattern: string;
  people: Person[];
  figures: Figure[];
  senses: Sense[];
  genders: { He: string; he: string; his: string; him: string }[];
  homes: Record<string, string[]>; // by wealth
  treasures: Record<string, string[]>;
  countries: Country[];
  frames: Record<string, [slots: string[], ends: Record<string, string>]>; // by opening
  kinds: Record<string, string>;
  colours: string[];
  clothes: string[];
  counted: string[];
  places: string[];
  things: string[];
  times: string[];
  daytimes: string[];
  deeds: Option[];
  sights: Option<Option[][]>[]; // by gender, what is said of it
  numbers: string[];
  long: Openings;
  short: Openings;
}

/** A network whose run is planned. */
export interface Shape {
  layers: number;
  width: number;
  vocabulary: number;
  context: number;
  tied: boolean;
}

/** How many parameters each part of a network has. */
export type Parameters = Record<"tokens" | "positions" | "attention" | "mlp" | "norms" | "head", number>;

/** The bytes that each part of a run needs. */
export type RunMemory = Record<"weights" | "gradients" | "optimizer" | "copies" | "activations" | "logits", number>;

/** The loss of a run by its size: Chinchilla's law. */
export interface Law {
  E: number;
  A: number;
  alpha: number;
  B: number;
  beta: number;
}
