// What Sphinx's searchtools.js leaves to other scripts of its page.
declare const Search: Record<string, any>;
declare const Scorer: { score?: (hit: any) => number };
