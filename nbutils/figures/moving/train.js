// A GPT that is trained in the page.
import { button, element, picture, resource } from "./shared.js";
import { start } from "./engine/runs.js";

function build({ model, root }) {
  const out = element("pre");
  root.append(button("Train", async () => {
    const world = JSON.parse(new TextDecoder().decode(await resource(model, "world")));
    root.news = [];
    root.run = start({ layers: 2, width: 48, positions: "rotary", window: 80, optimizer: "muon", rate: 1e-2, seconds: 10, batch: 8, seed: 0 },
      { kind: "world", world }, (news) => {
        root.news.push(news);
        if (news.type === "done") root.run.tell({ type: "talk", id: 0, text: "", seed: 1, temperature: 1 });
        out.textContent = JSON.stringify(news, null, 1);
      });
  }), out);
  return () => "Ready.";
}
export default picture(build);
