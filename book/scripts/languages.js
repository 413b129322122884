// The switch to another language keeps the section: its links lead to the one that is being read. Sections have the same
// names in all languages.

export default function languages() {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".language-switch a"))) {
    link.addEventListener("click", () => {
      const reading = /** @type {HTMLAnchorElement | null} */ (document.querySelector("#page-contents a[aria-current]"));
      link.hash = reading?.hash ?? location.hash;
    });
  }
}
