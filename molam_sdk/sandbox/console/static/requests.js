// Requests: what was said both ways; attempts under one idempotency key stand together.

import { get } from "/console/api.js";
import { badge, code, copier, h, pretty, statusBadge, time } from "/console/dom.js";

export const title = "Requests";
export const topics = ["requests"];

export const page = (search, last) => get("/requests", { search, before: last?.seq });
export const id = (one) => one.request_id;

export const row = (one) => [
  h("span", { class: "line" }, h("span", {}, h("b", {}, one.method), " ", one.path.replace("/v1/connect", "")), statusBadge(one.status)),
  h("span", { class: "line faint" },
    h("span", {}, one.replayed && badge("replayed"), one.code && badge(one.code, "code"),
      ...one.faults.map((fault) => badge(fault.kind, "fault")),
      one.attempts > 1 && badge(`attempt ${one.attempt} of ${one.attempts}`, "attempt"),
      one.idempotency_key && ` ${one.idempotency_key}`),
    h("span", {}, `${one.ms.toFixed(1)} ms `, time(one.at))),
];

export const empty = () => h("div", { class: "empty" }, h("h2", {}, "No requests yet"), h("p", {}, "Every request is kept here with its bodies: reads, replays, refusals, faults."));

export async function detail(requestId) {
  const one = await get(`/requests/${encodeURIComponent(requestId)}`);
  const same = one.idempotency_key ? (await get("/requests", { idempotency_key: one.idempotency_key, limit: 100 })).data : [];
  return h("article", {},
    h("h2", {}, one.method, " ", one.operation ?? one.path, " ", statusBadge(one.status)),
    h("p", { class: "id" }, one.request_id, copier(one.request_id, "Copy id")),
    h("dl", { class: "facts" }, facts(one)),
    same.length > 1 && h("div", {}, h("h3", {}, `${same.length} attempts under ${one.idempotency_key}`),
      h("ol", { class: "attempts" }, same.reverse().map((other) => h("li", {},
        h("a", { href: `#/requests/${other.request_id}`, "aria-current": other.request_id === requestId && "true" }, time(other.at)), " ",
        statusBadge(other.status), other.replayed && badge("replayed"), ...other.faults.map((fault) => badge(fault.kind, "fault")))))),
    h("div", { class: "actions", role: "group", "aria-label": "Copy as" }, Object.entries(FORMS).map(([name, form]) => copier(form(one), name))),
    h("h3", {}, "Request"), code(one.request_body, "Request body"), headers(one.request_headers, "Request headers"),
    h("h3", {}, "Answer"), code(one.answer_body, "Answer body"), headers(one.answer_headers, "Answer headers"));
}

function facts(one) {
  const told = { at: time(one.at), path: one.path, "idempotency key": one.idempotency_key, order: one.order_id, object: one.object_id,
    account: one.account, key: one.key_id, "X-Request-ID": one.client_request_id, scope: one.scope, trace: one.trace, code: one.code,
    took: `${one.ms.toFixed(2)} ms`, faults: one.faults.map((fault) => JSON.stringify(fault)).join("\n") };
  return Object.entries(told).filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

const headers = (text, label) => text && h("details", {}, h("summary", {}, label),
  h("pre", { tabindex: 0, "aria-label": label }, JSON.parse(text).map(([name, value]) => `${name}: ${value}`).join("\n")));

const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;
const keyOf = (one) => one.idempotency_key ?? "";

const FORMS = {
  "as curl": (one) => [
    `curl -X ${one.method} ${quoted(location.origin + one.path)}`, '-H "Authorization: Bearer $MOLAM_API_KEY"',
    one.request_body && "-H 'Content-Type: application/json'", keyOf(one) && `-H ${quoted(`Idempotency-Key: ${keyOf(one)}`)}`,
    one.request_body && `-d ${quoted(one.request_body)}`].filter(Boolean).join(" \\\n  "),
  "as Python": (one) => one.method === "POST"
    ? `client.post(${JSON.stringify(one.path)}, json.loads(${JSON.stringify(pretty(one.request_body))}), idempotency_key=${JSON.stringify(keyOf(one))})`
    : `client.get(${JSON.stringify(one.path)})`,
  "as pytest": (one) => [
    "def test_it(molam_sandbox):",
    ...one.faults.map((fault) => `    molam_sandbox.faults.add(kind=${JSON.stringify(fault.kind)}, operation=${JSON.stringify(one.operation)}, times=1)`),
    `    answer = requests.request(${JSON.stringify(one.method)}, molam_sandbox.url + ${JSON.stringify(one.path)}, data=${JSON.stringify(one.request_body ?? "")},`,
    `        headers={"Authorization": "Bearer " + molam_sandbox.api_key, "Content-Type": "application/json", "Idempotency-Key": ${JSON.stringify(keyOf(one))}})`,
    `    assert answer.status_code == ${one.status}`].join("\n"),
};
