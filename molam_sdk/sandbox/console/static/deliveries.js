// Deliveries: an inbox per endpoint, the exact signed bytes, the retry ladder, and why a signature failed.

import { get, post } from "/console/api.js";
import { ago, badge, button, code, copier, deed, h, show, statusBadge, time } from "/console/dom.js";

export const title = "Deliveries";
export const topics = ["deliveries", "clock"];

export const page = (search, last) => get("/inbox", { search, before: last?.seq });
export const id = (one) => one.id;

export const row = (one) => [
  h("span", { class: "line" }, h("span", {}, one.event_type), badge(one.status)),
  h("span", { class: "line faint" }, h("span", {}, one.url), h("span", {}, `${one.attempts} ${one.attempts === 1 ? "try" : "tries"} `, time(one.at))),
];

export const empty = () => h("div", { class: "empty" }, h("h2", {}, "No deliveries yet"),
  h("p", {}, "Register a webhook endpoint through the API; what is sent to it is shown here, with the bytes that were signed."));

const LADDER = ["at once", "1 min", "5 min", "15 min", "1 h", "6 h", "24 h"];

export async function detail(deliveryId) {
  const one = await get(`/deliveries/${encodeURIComponent(deliveryId)}`);
  const endpoint = one.endpoint;
  return h("article", {},
    h("h2", {}, one.event_type, " ", badge(one.status)),
    h("p", { class: "id" }, one.id, copier(one.id, "Copy id")),
    h("p", {}, "to ", endpoint.url, " ", badge(endpoint.status), endpoint.spared_seconds > 0 && badge(`left alone for ${ago(endpoint.spared_seconds)}`, "fault")),
    h("div", { class: "actions", role: "group", "aria-label": "What to do with it" },
      button("Redeliver", deed(() => post(`/deliveries/${one.id}/redeliver`), "Sent again")),
      button("Duplicate", deed(() => post(`/deliveries/${one.id}/duplicate`), "Sent twice")),
      endpoint.status === "active"
        ? button("Pause endpoint", deed(() => post(`/endpoints/${endpoint.id}`, { status: "paused" }), "Paused"))
        : button("Activate endpoint", deed(() => post(`/endpoints/${endpoint.id}`, { status: "active" }), "Active"))),
    h("h3", {}, "Retry ladder"),
    h("ol", { class: "ladder" }, LADDER.map((wait, index) => rung(one, wait, index))),
    ...one.attempts.map((attempt, index) => attemptOf(attempt, index)).reverse(),
    h("h3", {}, "Event"), code(one.body, "The event"), editor(one), explainer(one));
}

function rung(one, wait, index) {
  const made = one.attempts.slice(-one.tries)[index];
  const next = one.status === "pending" && index === one.tries;
  const state = made ? statusBadge(made.status) : next ? badge("due", "pending") : badge("–", "later");
  return h("li", { class: next ? "next" : "" }, h("b", {}, wait), state, made ? time(made.at) : next ? time(one.due_at) : null);
}

const attemptOf = (attempt, index) => h("details", { open: index === 0 },
  h("summary", {}, `Try ${index + 1} `, statusBadge(attempt.status), ` ${(attempt.seconds * 1000).toFixed(0)} ms `, time(attempt.at)),
  attempt.error && h("p", { class: "wrong" }, attempt.error),
  h("h4", {}, "Molam-Signature"), h("pre", { tabindex: 0, "aria-label": "Signature header" }, attempt.signature ?? ""),
  h("h4", {}, "Signed bytes"), h("pre", { tabindex: 0, "aria-label": "Signed bytes" }, attempt.body ?? ""),
  attempt.answer && [h("h4", {}, "The receiver said"), h("pre", { tabindex: 0, "aria-label": "What the receiver said" }, attempt.answer)]);

function editor(one) {
  const data = h("textarea", { rows: 8, "aria-label": "Data of the event to send", value: JSON.stringify(JSON.parse(one.body).data, null, 2) });
  const send = deed(() => post("/events", { type: one.event_type, data: JSON.parse(data.value) }), "Sent as a new event");
  return h("details", {}, h("summary", {}, "Edit and send"), h("form", { class: "stack", onsubmit: send }, data, h("button", {}, "Send")));
}

function explainer(one) {
  const field = (label, name, tag = "input") => h("label", {}, label, h(tag, { name, spellcheck: "false", autocomplete: "off" }));
  const verdict = h("ul", { class: "verdict", role: "status" });
  const ask = deed(async (event) => {
    const given = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value !== ""));
    const { findings } = await post(`/deliveries/${one.id}/explain`, given);
    show(verdict, findings.map((finding) => h("li", {}, finding)));
  });
  return h("details", { class: "explain" }, h("summary", {}, "Why did my signature fail?"),
    h("form", { class: "stack", onsubmit: ask },
      h("p", { class: "faint" }, "Paste what your receiver had; what is left empty counts as what was sent."),
      field("Secret", "secret"), field("Body, as your code saw it", "body", "textarea"), field("Molam-Signature header", "header"),
      h("button", {}, "Explain")), verdict);
}
