// The scripts of pictures and pages, each with the parts that it imports as one file: `make bundles`. Those of the
// pictures go to nbutils/figures/moving/bundles, the pages' to book/bundles, or all to the folder that is named. They
// are committed, since where the course is installed Node may not be.
// A picture's bundle gives its picture to `deliver`, which a page and anywidget define each in its way; see `esm` in
// picture.py, and `classic` in authoring/extensions/moving_pictures.py.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { workers } from "./workers.mjs";

const moving = fileURLToPath(new URL("../nbutils/figures/moving/", import.meta.url));
const pages = fileURLToPath(new URL("../book/scripts/", import.meta.url));
const [pictureFolder, pageFolder] = process.argv[2] ? [process.argv[2], process.argv[2]]
  : [`${moving}bundles`, fileURLToPath(new URL("../book/bundles/", import.meta.url))];
// A picture is a script with a Python file of its name; the other scripts are parts.
const names = readdirSync(moving).filter((name) => name.endsWith(".js") && existsSync(`${moving}${name.slice(0, -3)}.py`));

for (const folder of new Set([pictureFolder, pageFolder])) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
const common = {
  bundle: true,
  format: "iife",
  charset: "utf8",
  minify: true, // for the pages that load it; who wants to read has the sources
};
await Promise.all([
  ...names.map((name) => build({
    ...common,
    stdin: { contents: `import widget from "./${name}";\ndeliver(widget);\n`, resolveDir: moving },
    outfile: `${pictureFolder}/${name}`,
    plugins: [workers(common)],
  })),
  build({ ...common, entryPoints: [`${pages}page.js`], outfile: `${pageFolder}/page.js` }),
]);
