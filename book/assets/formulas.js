// A formula that is copied is copied as its TeX, between dollar signs.
"use strict";
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection?.rangeCount || !event.clipboardData) return;
  const range = selection.getRangeAt(0).cloneRange();
  /** @type {(node: Node) => Element | null | undefined} */
  const formula = (node) => (node instanceof Element ? node : node.parentElement)?.closest("math");
  const first = formula(range.startContainer), last = formula(range.endContainer);
  if (first) range.setStartBefore(first); // a part of one stands for all of it
  if (last) range.setEndAfter(last);
  const copy = document.createElement("div");
  copy.append(range.cloneContents());
  const formulas = copy.querySelectorAll("math");
  if (!formulas.length) return;
  for (const one of formulas) {
    const sign = one.getAttribute("display") === "block" ? "$$" : "$";
    one.replaceWith(sign + one.getAttribute("alttext") + sign);
  }
  copy.style.cssText = "position: fixed; left: -9999px; width: 60em";
  document.body.append(copy); // lines are told apart where they are drawn
  event.clipboardData.setData("text/plain", copy.innerText);
  copy.removeAttribute("style");
  event.clipboardData.setData("text/html", copy.innerHTML);
  copy.remove();
  event.preventDefault();
});
