// What authoring/workers.mjs makes of `import { source, work } from "worker:./file.js"`.
declare module "worker:*" {
  export const source: string;
  export function work(scope: import("./types").Scope): void;
}
