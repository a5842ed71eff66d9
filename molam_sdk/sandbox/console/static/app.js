// The page: which view is open, what is chosen in it, and what is drawn again when something has changed.

import { follow, post, status } from "/console/api.js";
import { ago, badge, button, copier, deed, h, notice, show, time } from "/console/dom.js";
import * as deliveries from "/console/deliveries.js";
import * as faults from "/console/faults.js";
import * as keys from "/console/keys.js";
import * as ledger from "/console/ledger.js";
import * as payments from "/console/payments.js";
import * as requests from "/console/requests.js";

const VIEWS = { payments, requests, deliveries, ledger, faults, keys };
const at = (id) => document.getElementById(id);
const place = { view: "payments", chosen: null };
let rows = [];
let told = null;
let pages = 1;

function where() {
  const [, view, ...chosen] = location.hash.split("/");
  place.view = VIEWS[view] ? view : "payments";
  place.chosen = chosen.join("/") || null;
}

const view = () => VIEWS[place.view];

function drawViews() {
  show(at("views"), Object.entries(VIEWS).map(([name, one], index) =>
    h("a", { href: `#/${name}`, "aria-current": name === place.view && "page", title: `Key ${index + 1}` }, one.title)));
  document.title = `${view().title} · Molam sandbox`;
  document.body.className = `${view().whole ? "whole" : "split"} ${place.chosen ? "chosen" : ""}`;
}

async function drawStatus() {
  told = await status();
  const step = (name, parts) => button(name, deed(() => post("/clock/advance", parts), `The clock is ${name} on`), { "aria-label": `Advance the clock by ${name}` });
  show(at("status"),
    h("span", { class: "where" }, told.url, copier(told.url, "URL"), copier(told.api_key, "key")),
    h("a", { href: "#/ledger", title: told.discrepancies[0] ?? "" }, badge(told.balanced ? "balanced" : told.discrepancies[0], told.balanced ? "succeeded" : "failed")),
    told.faults > 0 && h("a", { href: "#/faults" }, badge(`${told.faults} ${told.faults === 1 ? "fault" : "faults"}`, "fault")),
    told.dead_letters > 0 && h("a", { href: "#/deliveries" }, badge(`${told.dead_letters} dead`, "dead")),
    h("span", { class: "clock" }, time(told.clock.now)),
    h("span", { class: "clock", role: "group", "aria-label": "Clock" }, step("+1 min", { minutes: 1 }), step("+1 h", { hours: 1 }), step("+1 day", { days: 1 })),
    told.next_due && h("small", { class: "faint" }, `next in ${ago(Math.max(0, told.next_due.in_seconds))}`));
}

async function drawList() {
  const open = view();
  if (open.whole) {
    const kept = open.keeps && at("items").querySelector(open.keeps);
    const fresh = await open.view();
    // A form that is being filled in stays as it is.
    if (kept && open === view()) fresh.querySelector(open.keeps)?.replaceWith(kept);
    if (open === view()) show(at("items"), fresh);
    return;
  }
  const found = [];
  let more = true;
  for (let page = 0; page < pages && more; page += 1) {
    const next = await open.page(at("search").value.trim(), found.at(-1));
    found.push(...next.data);
    more = next.has_more;
  }
  if (open !== view()) return;
  rows = found;
  const item = (one) => h("li", {}, h("a", { href: `#/${place.view}/${open.id(one)}`, "aria-current": open.id(one) === place.chosen && "true" }, open.row(one)));
  show(at("items"), found.length === 0 ? (at("search").value ? h("p", { class: "empty" }, "Nothing begins with that.") : open.empty(told)) : h("ul", { class: "rows" }, found.map(item)),
    more && button("More", () => { pages += 1; draw("list"); }, { class: "more" }));
}

async function drawDetail() {
  const chosen = place.chosen;
  if (!chosen || view().whole) {
    show(at("detail"), h("p", { class: "faint hint" }, "Choose one on the left.", h("br"), "Press ? for the keys."));
    return;
  }
  // What is being written or was opened must not be taken away by a change elsewhere.
  const busy = at("detail").contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName);
  if (busy || at("detail").querySelector(".explain[open]")?.closest("[data-of]")?.dataset.of === chosen) return;
  try {
    const drawn = await view().detail(chosen);
    if (chosen === place.chosen) show(at("detail"), h("div", { "data-of": chosen }, button("‹ Back", () => { location.hash = `#/${place.view}`; }, { class: "back quiet" }), drawn));
  } catch (error) {
    show(at("detail"), h("p", { class: "wrong" }, error.message));
  }
}

const DRAWS = { status: drawStatus, list: drawList, detail: drawDetail };
const wanted = new Set();
let drawing = false;

// One drawing at a time, however many changes come: what came meanwhile is drawn once, after it.
async function draw(...parts) {
  for (const part of parts) wanted.add(part);
  if (drawing) return;
  drawing = true;
  try {
    while (wanted.size > 0) {
      const part = [...Object.keys(DRAWS)].find((one) => wanted.has(one));
      wanted.delete(part);
      await DRAWS[part]();
    }
  } catch (error) {
    notice(error.message);
  } finally {
    drawing = false;
  }
}

function changed(topics) {
  const here = topics.includes("everything") || topics.some((topic) => view().topics.includes(topic));
  draw("status", ...(here ? ["list", "detail"] : []));
}

addEventListener("hashchange", () => {
  const before = place.view;
  where();
  if (before !== place.view) { at("search").value = ""; pages = 1; show(at("items")); }
  drawViews();
  show(at("detail"));
  draw("list", "detail");
});

let typing;
at("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { pages = 1; draw("list"); }, 120);
});

function step(by) {
  if (rows.length === 0) return;
  const now = rows.findIndex((one) => view().id(one) === place.chosen);
  const next = Math.min(rows.length - 1, Math.max(0, now + by));
  location.hash = `#/${place.view}/${view().id(rows[next])}`;
  at("items").querySelectorAll("a")[next]?.scrollIntoView({ block: "nearest" });
}

function theme() {
  const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("molam-theme", document.documentElement.dataset.theme);
}

const KEYS = {
  "/": () => at("search").focus(), j: () => step(1), k: () => step(-1), t: theme, "?": () => at("help").showModal(),
  Escape: () => { location.hash = `#/${place.view}`; at("list").focus(); },
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
  if (/INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) { if (event.key === "Escape") event.target.blur(); return; }
  const name = Object.keys(VIEWS)[Number(event.key) - 1];
  if (name) location.hash = `#/${name}`;
  else if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
});

const kept = localStorage.getItem("molam-theme");
if (kept) document.documentElement.dataset.theme = kept;
where();
drawViews();
await draw("status", "list", "detail");
follow(changed, (connected) => document.body.toggleAttribute("data-lost", !connected));
