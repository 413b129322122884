// A recorded run of updates: the label's probability rises, the others fall. As in nudge.py.
import { bar, change, count, element, fill, picture, readable, stepper, whole } from "./shared.js";

const LABELS = {
  en: {
    title: "One nudge after another",
    step: "Updates", back: "◀ Back", onward: "Update ▶",
    others: "all others", label: "label",
    scale: "Bars and curves are on a logarithmic scale, from one in {least} to 1.",
    curve: "Probability of each token after each update",
    done: "{step} of {steps} updates done: the label {name} has {p}, a loss of {loss} nats.",
    next: "The next update takes it to {p}, and {fell} of all other tokens fall.",
    end: "The recorded run ends here.",
  },
};

const COLOURS = ["target", "mark", "rise"];
const [WIDTH, HEIGHT] = [600, 130]; // the curves' own units

const percent = (share) => `${readable(100 * share)} %`;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The whole run as curves; the line at `cursor` is moved to the present step.
function curves(rows, share, words) {
  const x = (step) => (WIDTH * step) / (rows.length - 1), y = (p) => HEIGHT * (1 - share(p));
  const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.curve });
  const lines = rows[0].map((_, i) => svg("polyline", {
    points: rows.map((row, step) => `${x(step).toFixed(1)},${y(row[i]).toFixed(1)}`).join(" "),
    style: `stroke: var(--${COLOURS[i]})`,
  }));
  drawn.append(...lines, cursor);
  return { drawn, moveTo: (step) => { cursor.setAttribute("x1", x(step)); cursor.setAttribute("x2", x(step)); } };
}

// How a probability has changed by the last update.
function arrow(now, before) {
  const sign = before === undefined || now === before ? " " : now > before ? "▲" : "▼";
  return element("span", { class: sign === "▲" ? "rise" : "fall" }, sign);
}

function row(name, now, before, share, colour) {
  const words = element("span", {}, percent(now), " ", arrow(now, before));
  const made = bar(name, share(now), words, colour);
  made.dataset.value = now;
  return made;
}

function build({ model, root, words }) {
  const rows = model.get("rows"), names = model.get("names"), fell = model.get("fell");
  const decades = Math.ceil(-Math.log10(Math.min(...rows.flat()))), share = (p) => 1 + Math.log10(p) / decades;
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const bars = element("div", { class: "bars" }), run = curves(rows, share, words);
  root.append(element("div", { class: "controls" }, steps), bars, run.drawn,
    element("p", { class: "quiet" }, fill(words.scale, { least: count(10 ** decades) })));

  return () => {
    const step = whole(model, "step", 0, fell.length), now = rows[step], before = rows[step - 1] ?? [];
    steps.show(step, fell.length, `${step} / ${fell.length}`);
    bars.replaceChildren(
      ...names.map((name, i) => row(i ? name : `${name} (${words.label})`, now[i], before[i], share, COLOURS[i])),
      row(words.others, 1 - sum(now), before.length ? 1 - sum(before) : undefined, share, "line"));
    run.moveTo(step);
    return sentence(words, names[0], step, rows, fell);
  };
}

function sentence(words, name, step, rows, fell) {
  const [p] = rows[step], values = { step, steps: fell.length, name, p: percent(p), loss: readable(-Math.log(p)) };
  const after = step === fell.length ? words.end
    : fill(words.next, { p: percent(rows[step + 1][0]), fell: percent(fell[step]) });
  return `${fill(words.done, values)} ${after}`;
}

export default picture(LABELS, build);
