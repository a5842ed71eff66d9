// Keys: which there are, what they open, and until when.

import { get, post, remove } from "/console/api.js";
import { badge, button, copier, deed, h, show, time } from "/console/dom.js";

export const title = "Keys";
export const topics = ["keys", "clock"];
export const whole = true;
export const keeps = "#new-key";

export async function view() {
  const { data } = await get("/keys");
  return h("div", {}, h("h2", {}, "Keys"),
    h("ul", { class: "rules" }, data.map((key, index) => h("li", {},
      h("span", {}, h("b", {}, key.id), " ", badge(key.status), " ", key.account, key.rate && ` · ${key.rate}/s`),
      h("span", { class: "faint" }, key.scopes ? key.scopes.join(", ") : "everything", key.expires_at && [" · until ", time(key.expires_at)]),
      index > 0 && key.status === "active" && button("Revoke", deed(() => remove(`/keys/${key.id}`), "Revoked"), { class: "quiet", "aria-label": `Revoke ${key.id}` })))),
    form());
}

function form() {
  const made = h("p", { role: "status" });
  const add = deed(async (event) => {
    const given = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value !== ""));
    const scopes = given.scopes ? given.scopes.split(/[\s,]+/) : [];
    const numbers = Object.fromEntries(["expires_in", "rate"].filter((name) => given[name]).map((name) => [name, Number(given[name])]));
    const key = await post("/keys", { scopes, ...(given.account ? { account: given.account } : {}), ...numbers });
    show(made, h("code", {}, key.secret), copier(key.secret, "Copy the key, shown this once"));
  });
  const field = (label, name, type = "text") => h("label", {}, label, h("input", { name, type, step: "any", autocomplete: "off" }));
  return h("form", { id: "new-key", class: "stack", onsubmit: add, "aria-label": "New key" }, h("h3", {}, "New key"),
    h("div", { class: "fields" }, field("scopes, all if empty", "scopes"), field("account", "account"), field("seconds to live", "expires_in", "number"), field("requests a second", "rate", "number")),
    h("button", { class: "primary" }, "Make"), made);
}
