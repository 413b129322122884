// Each picture's script with the parts that it imports, as one file in nbutils/figures/moving/bundles, or in
// the folder that is named: `make bundles`. The package brings them, since where it is installed Node may not be.
// A bundle is a script that gives its picture to `deliver`, which a page and anywidget define each in its way;
// see `esm` in picture.py, and `classic` in authoring/extensions/moving_pictures.py.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const moving = fileURLToPath(new URL("../nbutils/figures/moving/", import.meta.url));
const folder = process.argv[2] ?? `${moving}bundles`;
// A picture is a script with a Python file of its name; the other scripts are parts.
const names = readdirSync(moving).filter((name) => name.endsWith(".js") && existsSync(`${moving}${name.slice(0, -3)}.py`));

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await Promise.all(names.map((name) => build({
  stdin: { contents: `import widget from "./${name}";\ndeliver(widget);\n`, resolveDir: moving },
  outfile: `${folder}/${name}`,
  bundle: true,
  format: "iife",
  charset: "utf8",
  minify: true, // for the pages that load it; who wants to read has the sources
})));
