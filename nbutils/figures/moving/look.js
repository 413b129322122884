// Whether a picture is light or dark, as the page around it is.

const FORCED = matchMedia("(forced-colors: active)");

/**
 * The page's look: its own switch where it has one, else the system's wish.
 * @returns {string | null}
 */
function look() {
  const page = document.documentElement, body = document.body, system = matchMedia("(prefers-color-scheme: dark)");
  if (FORCED.matches) return system.matches ? "dark" : "light"; // the colours of the system are the page's
  if (page.dataset.theme) return page.dataset.theme;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
  if (body.dataset.vscodeThemeKind) return /dark|black/.test(body.dataset.vscodeThemeKind) ? "dark" : "light";
  if (page.getAttribute("theme")) return page.getAttribute("theme"); // Colab
  return system.matches ? "dark" : "light";
}

/**
 * Keep data-look as the page's look is, light or dark.
 * @param {HTMLElement} root
 * @returns {() => void} what ends it
 */
export function followLook(root) {
  const set = () => { root.dataset.look = look() === "dark" ? "dark" : "light"; };
  const watch = new MutationObserver(set), systems = [FORCED, matchMedia("(prefers-color-scheme: dark)")];
  watch.observe(document.documentElement, { attributes: true });
  watch.observe(document.body, { attributes: true });
  for (const system of systems) system.addEventListener("change", set);
  set();
  return () => {
    watch.disconnect();
    for (const system of systems) system.removeEventListener("change", set);
  };
}
