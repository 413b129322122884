// The page's contents follow what is read: the last section that has begun above a line in the window. The line is
// asked for anew when the page scrolls or grows, so it holds deep in a long section and after a reload.

const LINE = 0.3; // of the window's height

export default function contents() {
  const nav = document.getElementById("page-contents"), article = document.querySelector("article.bd-article");
  const links = [.../** @type {NodeListOf<HTMLAnchorElement>} */ (nav?.querySelectorAll("a[href^='#']") ?? [])];
  if (!nav || !article || links.length === 0) return;
  const places = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  /** @type {HTMLAnchorElement | undefined} */
  let current;
  let asked = 0;
  const follow = () => {
    asked = 0;
    const now = links[reached(places)];
    if (now === current) return;
    mark(current, false);
    mark(now, true);
    current = now;
    if (now) show(now);
  };
  const ask = () => {
    asked ||= requestAnimationFrame(follow);
  };
  addEventListener("scroll", ask, { passive: true });
  new ResizeObserver(ask).observe(article);
  new ResizeObserver(ask).observe(document.documentElement); // and once when the page has been laid out
}

/**
 * Which of them is the last to begin above the line; -1 above the first. Towards the page's end the line goes down, or
 * short sections there would never reach it. What isn't drawn is far away; asked, it would be laid out.
 * @param {(HTMLElement | null)[]} places
 */
function reached(places) {
  const left = document.documentElement.scrollHeight - innerHeight - scrollY;
  const line = Math.max(LINE * innerHeight, innerHeight - left);
  return places.findLastIndex((place) => place && drawn(place) && place.getBoundingClientRect().top < line);
}

/** @param {HTMLElement} place */
const drawn = (place) => place.checkVisibility?.({ contentVisibilityAuto: true }) ?? true;

/**
 * As the theme marks it: the link, and the entries around it.
 * @param {HTMLAnchorElement | undefined} link
 * @param {boolean} on
 */
function mark(link, on) {
  if (!link) return;
  link.classList.toggle("active", on);
  if (on) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  for (let entry = link.closest(".toc-entry"); entry; entry = entry.parentElement?.closest(".toc-entry") ?? null) {
    entry.classList.toggle("active", on);
  }
}

/**
 * Bring it into sight in contents that are longer than the window, and leave the page where it is.
 * @param {HTMLAnchorElement} link
 */
function show(link) {
  const bar = link.closest(".bd-sidebar-secondary");
  if (!bar) return;
  const own = link.getBoundingClientRect(), box = bar.getBoundingClientRect();
  if (own.bottom > box.bottom) bar.scrollTop += own.bottom - box.bottom + own.height;
  else if (own.top < box.top) bar.scrollTop -= box.top - own.top + own.height;
}
