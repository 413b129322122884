// In a notebook whose kernel runs, Python trains the same run beside the page (figures/train_panel.py) and asks for the
// page's first losses, to hold them side by side digit by digit. A run of so many updates is the same everywhere.
import { start } from "./engine/runs.js";
import { change } from "./shared.js";

/** @import { Settings, Source } from "./engine/types" */
/** @import { Model } from "./types" */
/** beside: what Python asks for; first: the losses so far. */
/** @typedef {{ beside: Partial<Settings & { updates: number }>, first: number[] }} Beside */

/**
 * @param {Model<Beside>} model
 * @param {() => Promise<Source>} source
 */
export function beside(model, source) {
  let end = () => {};
  model.on("change:beside", async () => {
    end();
    const { updates = 0, ...settings } = model.get("beside");
    if (!updates) return; // nothing is asked
    const documents = await source();
    /** @type {number[]} */
    const losses = [];
    const run = start(/** @type {Settings} */ (settings), documents, (news) => {
      if (news.type !== "progress" || losses.length >= updates) return;
      losses.push(...news.losses);
      if (losses.length < updates) return;
      end();
      change(model, { first: losses.slice(0, updates) });
    });
    end = () => run.end();
  });
}
