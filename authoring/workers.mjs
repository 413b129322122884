// For esbuild: `import { source, work } from "worker:./file.js"`. `work` is what the file exports of that name, to be called
// here; `source` is the script of a Worker that gives it the Worker's own scope. The file's code stands once in the
// bundle, as a function whose text is the Worker's script: nothing is fetched, and no `eval` is needed.
import { join } from "node:path";
import { build } from "esbuild";

const SCHEME = "worker:";

/** @param {import("esbuild").BuildOptions} options how the Worker's script is made */
export const workers = (options) => ({
  name: "workers",
  /** @param {import("esbuild").PluginBuild} bundle */
  setup(bundle) {
    bundle.onResolve({ filter: /^worker:/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.slice(SCHEME.length)), namespace: "worker" }));
    bundle.onLoad({ filter: /./, namespace: "worker" }, async ({ path }) => {
      const { outputFiles: [{ text }] } = await build({ ...options, bundle: true, format: "iife", entryPoints: [path], globalName: "made", write: false });
      const contents = `function made() {\n${text}\nreturn made; }
export const source = \`(\${made})().work(self);\`;
export const work = (scope) => made().work(scope);
`;
      return { contents };
    });
  },
});
