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
