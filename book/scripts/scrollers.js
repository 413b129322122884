// What scrolls within the page can be reached by the keyboard. The theme's own script would lay out the whole page for
// that; here each place is asked when it has been laid out.
const PLACES = "pre, .cell_output > .output, .pst-scrollable-table-container";

export default function scrollers() {
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
      if (scrolls) target.setAttribute("tabindex", "0");
      else target.removeAttribute("tabindex");
    }
  });
  const main = document.querySelector("#main-content");
  const watch = () => main?.querySelectorAll(PLACES).forEach((place) => sizes.observe(place));
  watch();
  if (main) new MutationObserver(watch).observe(main, { subtree: true, childList: true });
}
