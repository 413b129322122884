// A link to a section leads there and stays there while what stands above it still gets its size: pictures come to
// life, and what is far away is laid out late. It ends with the reader's own scrolling, and after some seconds.
const PATIENCE = 4000; // milliseconds
const OWN = ["wheel", "touchmove", "keydown", "pointerdown"]; // of the reader

export default function arrival() {
  // Who goes back, or loads the page again, is led by the browser to where they were.
  const came = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
  if (came?.type !== "back_forward" && came?.type !== "reload") stay();
  addEventListener("hashchange", stay);
}

function stay() {
  const place = document.getElementById(anchor());
  const main = document.querySelector("#main-content");
  if (!place || !main) return;
  const sizes = new ResizeObserver(() => place.scrollIntoView({ behavior: "instant" }));
  sizes.observe(main);
  const ends = new AbortController();
  const end = () => {
    sizes.disconnect();
    ends.abort();
  };
  for (const kind of OWN) addEventListener(kind, end, { signal: ends.signal, passive: true });
  addEventListener("hashchange", end, { signal: ends.signal, capture: true });
  setTimeout(end, PATIENCE);
}

/** What the address names on this page; nothing where somebody cut it in the middle of a sign. */
export function anchor() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}
