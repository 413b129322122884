import type * as memory from "./memory";

/** What each part of the page's script is given. */
export interface Page {
  /** The page's name: "notebooks/01_tokens". */
  name: string;
  /** The way from the page to the book's top: "../" or "". */
  root: string;
  /** The tables of words in nbutils/words, by their part's name. */
  words: Record<string, Record<string, any>>;
  memory: typeof memory;
}

/** What the build puts beside a question: see authoring/predictions.py. */
export interface Question {
  kind: "choice" | "number" | "word" | "sentence";
  /** A choice's letter, a number, or the words that are right. */
  right?: string | number | string[];
  /** How far off a number may be. */
  within?: { share?: number; factor?: number; off?: number };
  /** Whether the number is a share in %. */
  percent?: boolean;
}

/** What is remembered of a question. right: null where it isn't judged. */
export interface Told {
  said?: string;
  right?: boolean | null;
  shown?: boolean;
}
