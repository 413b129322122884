// Starts runs: each in a Worker of its own, or on the page itself where a Worker is refused.
import { source, work } from "worker:./worker.js";

/** @import { FromWorker, Settings, Source, ToWorker, Way } from "./types" */

/**
 * A run. `tell` sends it a message; `end` ends it for good. alone: it computes on the page itself.
 * @typedef {{ tell: (message: ToWorker, moved?: Transferable[]) => void, end: () => void, alone: boolean }} Run
 */

/**
 * @param {Settings} settings
 * @param {Source} documents
 * @param {(message: FromWorker) => void} hear
 * @param {{ ways?: Way[], from?: import("./types").Trained }} [more]
 * @returns {Run}
 */
export function start(settings, documents, hear, { ways = ["relaxed", "simd", "js"], from } = {}) {
  const made = inWorker(hear) ?? onPage(hear);
  made.tell({ type: "start", settings, source: documents, ways, worker: 0, ports: [null], from });
  return made;
}

/** @param {(message: FromWorker) => void} hear */
function inWorker(hear) {
  try {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (event) => hear({ type: "failed", what: event.message });
    return { tell: worker.postMessage.bind(worker), end: () => { worker.terminate(); URL.revokeObjectURL(address); }, alone: false };
  } catch {
    return null;
  }
}

/** @param {(message: FromWorker) => void} hear */
function onPage(hear) {
  let ended = false;
  const scope = { postMessage: (/** @type {FromWorker} */ message) => { if (!ended) hear(message); }, onmessage: (/** @type {{ data: ToWorker }} */ _) => {} };
  work(scope);
  return { tell: (/** @type {ToWorker} */ data) => scope.onmessage({ data }), end: () => { ended = true; scope.onmessage({ data: { type: "stop" } }); }, alone: true };
}
