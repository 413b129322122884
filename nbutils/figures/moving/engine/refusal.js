// What a run refuses, for the reader to be told: the picture has the words.

/** An error that names a sentence of the picture's table of words, and what is filled into it. */
export class Refusal extends RangeError {
  /**
   * @param {string} key of the table of words
   * @param {Record<string, string | number>} values
   */
  constructor(key, values = {}) {
    super(`${key} ${JSON.stringify(values)}`);
    this.key = key;
    this.values = values;
  }
}
