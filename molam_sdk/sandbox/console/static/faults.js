// Faults: a form made from the kinds, presets, and live counts of what is in force.

import { get, post, remove } from "/console/api.js";
import { badge, button, deed, h, show } from "/console/dom.js";

export const title = "Faults";
export const topics = ["faults", "requests", "deliveries"];
export const whole = true;
export const keeps = "#new-fault";

const PRESETS = {
  "Answer lost once": { kind: "drop_after_commit", times: 1 },
  "503, twice": { kind: "status", status: 503, times: 2 },
  "Gateway's HTML": { kind: "status", status: 502, body: "<h1>502 Bad Gateway</h1>", times: 1 },
  "Slow by 2 s": { kind: "latency", seconds: 2 },
  "One in ten fails": { kind: "status", status: 500, probability: 0.1 },
  "Webhooks twice": { kind: "duplicate" },
};
const NUMBERS = new Set(["seconds", "jitter", "status", "rate", "size", "nth", "times", "probability", "for_seconds"]);
const COUNTS = ["nth", "times", "probability", "for_seconds"];

export async function view() {
  const [{ data: kinds }, { data: rules }] = await Promise.all([get("/faults/kinds"), get("/faults")]);
  return h("div", {},
    h("h2", {}, "Faults ", rules.length > 0 && button("Clear all", deed(() => remove("/faults"), "Cleared"), { class: "quiet" })),
    h("div", { class: "actions", role: "group", "aria-label": "Presets" },
      Object.entries(PRESETS).map(([name, parts]) => button(name, deed(() => post("/faults", parts), `In force: ${name}`)))),
    rules.length === 0 && h("p", { class: "faint" }, "Nothing goes wrong on purpose."),
    h("ul", { class: "rules" }, rules.map((rule) => h("li", {},
      h("span", {}, badge(rule.kind, "fault"), " ", partsOf(rule, kinds)),
      h("span", { class: "faint" }, `met ${rule.fired} of ${rule.seen} `),
      button("Remove", deed(() => remove(`/faults/${rule.id}`), "Removed"), { class: "quiet", "aria-label": `Remove ${rule.id}` })))),
    form(kinds));
}

function partsOf(rule, kinds) {
  const kind = kinds.find((one) => one.name === rule.kind);
  const names = [...(kind?.traits ?? []), ...(kind?.parts ?? []), ...COUNTS];
  return names.filter((name) => ![null, undefined, false, 0, ""].includes(rule[name]) && !(name === "probability" && rule[name] === 1)
    && !(typeof rule[name] === "object")).map((name) => `${name} ${rule[name]}`).join(", ");
}

function form(kinds) {
  const choice = h("select", { name: "kind" }, kinds.map((kind) => h("option", { value: kind.name }, kind.name.replaceAll("_", " "))));
  const effect = h("p", { class: "faint" });
  const fields = h("div", { class: "fields" });
  const field = (name, choices) => h("label", {}, name.replaceAll("_", " "), input(name, choices));
  const draw = () => {
    const kind = kinds.find((one) => one.name === choice.value);
    show(effect, kind.effect);
    show(fields, [...kind.parts, ...kind.traits, ...COUNTS].map((name) => field(name, kind.choices[name])));
  };
  choice.addEventListener("change", draw);
  draw();
  const add = deed(async (event) => {
    const given = [...new FormData(event.target)].filter(([, value]) => value !== "");
    const parts = given.map(([name, value]) => [name, NUMBERS.has(name) ? Number(value) : name === "commit" ? true : name === "headers" ? JSON.parse(value) : value]);
    await post("/faults", Object.fromEntries(parts));
  }, "In force");
  return h("form", { id: "new-fault", class: "stack", onsubmit: add, "aria-label": "New fault" },
    h("h3", {}, "New fault"), h("label", {}, "kind", choice), effect, fields, h("button", { class: "primary" }, "Put in force"));
}

function input(name, choices) {
  if (choices) return h("select", { name }, h("option", { value: "" }, "any"), choices.map((one) => h("option", { value: one }, one)));
  if (name === "commit") return h("input", { name, type: "checkbox" });
  return h("input", { name, type: NUMBERS.has(name) ? "number" : "text", step: "any", autocomplete: "off" });
}
