// MathJax is the largest script of a page. It comes once the page and its pictures can be used.
{
  const own = /** @type {HTMLScriptElement} */ (document.currentScript);
  const mathjax = new URL("mathjax/tex-chtml.js", own.src);
  addEventListener("load", () => setTimeout(() => {
    document.head.append(Object.assign(document.createElement("script"), { src: mathjax }));
  }));
}
