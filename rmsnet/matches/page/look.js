// Light or dark: the machine's look, or the one that people choose and the browser keeps.

// The style sheet asks the machine for its look; who chooses another has that part of it switched on or off.
const asks = [...document.styleSheets]
  .flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.media?.mediaText.includes("prefers-color-scheme"))
  .map((rule) => [rule, rule.media.mediaText]);
const machine = window.matchMedia("(prefers-color-scheme: dark)");

/** "light", "dark", or null: the machine's. */
function set_look(chosen) {
  for (const [rule, text] of asks) {
    const always = text.replace("(prefers-color-scheme: dark)", "(min-width: 0px)");
    rule.media.mediaText = { light: "not all", dark: always }[chosen] || text;
  }
  document.documentElement.style.colorScheme = chosen || "";
  state.look = chosen;
  draw_look();
}

const is_dark = () => (state.look ? state.look === "dark" : machine.matches);
const draw_look = () => (el("look").textContent = is_dark() ? "Light" : "Dark");

el("look").onclick = () => {
  set_look(is_dark() ? "light" : "dark");
  keep("look", state.look, "");
};
machine.addEventListener("change", draw_look);
