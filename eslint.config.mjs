// What `make check` asks of the pictures' and pages' scripts beside types; tsconfig.json says the rest.
import js from "@eslint/js";

export default [
  { ignores: ["_build/", ".venv/", "nbutils/figures/moving/bundles/", "book/bundles/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "off", // tsc knows each name of a browser, and finds the others
      eqeqeq: ["error", "always", { null: "ignore" }], // == null: null or undefined
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "object-shorthand": "error",
      "prefer-template": "error",
      "no-implicit-coercion": "error",
      "no-throw-literal": "error",
      "no-console": "error",
      "max-lines-per-function": ["error", { max: 60, skipComments: true }],
    },
  },
  { files: ["book/assets/*.js"], languageOptions: { sourceType: "script" } },
];
