// Who is ahead in a race, at equal seconds of computing and at equal tokens.

/** The end of a stretch of a run: seconds of its computing and tokens since the start; means of the stretch, in nats. */
/** @typedef {{ seconds: number, tokens: number, own: number, loss: number, floor: number }} Point own: tokens of the stretch */
/** @typedef {"seconds" | "tokens"} By */
/** @typedef {{ at: number, above: [number, number], gap: number }} Standing gap: by how much the first is lower; below 0: the second */

const RECENT = 0.1; // of the way: over so much a mean is taken, since single documents differ

/**
 * Nats above the floor: the mean over the tenth of the way that ends at `at`.
 * @param {Point[]} points at least one
 * @param {By} by
 * @param {number} at
 */
export function above(points, by, at = Infinity) {
  const until = points.findLastIndex((point) => point[by] <= at), used = points.slice(0, Math.max(until, 0) + 1);
  const recent = used.filter((point) => point[by] > (1 - RECENT) * used[used.length - 1][by]);
  let total = 0, tokens = 0;
  for (const { own, loss, floor } of recent) {
    total += own * (loss - floor);
    tokens += own;
  }
  return total / tokens;
}

/**
 * Both where the one that is less far is now.
 * @param {Point[][]} both
 * @param {By} by
 * @returns {Standing | null} null: one has not begun
 */
export function standing([first, second], by) {
  const ends = [first, second].map((points) => points.at(-1));
  if (!ends[0] || !ends[1]) return null;
  const at = Math.min(ends[0][by], ends[1][by]), left = above(first, by, at), right = above(second, by, at);
  return { at, above: [left, right], gap: right - left };
}

/**
 * A curve as few points: as many stretches, each the mean of those that fall in it.
 * @param {Point[]} points
 * @param {number} count
 */
export function thinned(points, count) {
  const size = Math.ceil(points.length / count);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size), last = group[group.length - 1];
    const own = group.reduce((sum, point) => sum + point.own, 0);
    /** @param {"loss" | "floor"} key */
    const mean = (key) => group.reduce((sum, point) => sum + point.own * point[key], 0) / own;
    return { seconds: last.seconds, tokens: last.tokens, own, loss: mean("loss"), floor: mean("floor") };
  });
}
