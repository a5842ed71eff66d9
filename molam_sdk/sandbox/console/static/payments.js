// Payments: a list, and one with everything that became of it in the order of time.

import { get, merchant, post } from "/console/api.js";
import { badge, button, copier, deed, h, money, statusBadge, time } from "/console/dom.js";

export const title = "Payments";
export const topics = ["payments", "deliveries", "requests"];

export const page = (search, last) => get("/payments", { search, before: last?.seq });
export const id = (one) => one.id;

export const row = (one) => [
  h("span", { class: "line" }, money(one.amount, one.currency), badge(one.status)),
  h("span", { class: "line faint" }, h("span", {}, one.order ?? one.id), time(one.created_at)),
];

export function empty(told) {
  const shell = `export MOLAM_BASE_URL=${told.url} MOLAM_API_KEY=${told.api_key}`;
  const python = [
    "from molam_sdk import ClientConfig, MolamClient",
    "",
    `config = ClientConfig(api_key="${told.api_key}", base_url="${told.url}")`,
    "with MolamClient(config) as molam:",
    '    intent = molam.create_payment_intent({"amount": 5000, "currency": "XOF", "capture": True})',
    "    molam.confirm_payment_intent(intent.id)",
  ].join("\n");
  return h("div", { class: "empty" },
    h("h2", {}, "No payments yet"),
    h("p", {}, "Point your shop at this sandbox, or take one from Python. It appears here as it happens."),
    h("pre", { tabindex: 0, "aria-label": "Variables to export" }, shell), copier(shell, "Copy the variables"),
    h("pre", { tabindex: 0, "aria-label": "Snippet" }, python), copier(python, "Copy the snippet"));
}

export async function detail(paymentId) {
  const told = await get(`/payments/${encodeURIComponent(paymentId)}`);
  const payment = told.payment;
  return h("article", {},
    h("h2", {}, money(payment.amount, payment.currency), " ", badge(payment.status)),
    h("p", { class: "id" }, payment.id, copier(payment.id, "Copy id")),
    actions(payment, told),
    h("h3", {}, "Timeline"),
    h("ol", { class: "timeline" }, told.timeline.map(moment)),
    h("h3", {}, "Object"),
    h("pre", { tabindex: 0, "aria-label": "The payment as JSON" }, JSON.stringify(payment, null, 2)),
    ...[...told.refunds, ...told.disputes].map((one) => h("pre", { tabindex: 0, "aria-label": one.id }, JSON.stringify(one, null, 2))));
}

function actions(payment, told) {
  const at = `/payment_intents/${payment.id}`;
  const open = told.disputes.find((one) => one.status === "open");
  const amount = h("input", { type: "number", min: 0, step: "any", placeholder: "all", "aria-label": "Amount, all if left empty" });
  const part = () => (amount.value ? { amount: Number(amount.value) } : {});
  const by = {
    requires_confirmation: [
      button("Confirm", deed(() => merchant(`${at}/confirm`), "Confirmed")),
      button("Decline", deed(() => post(`/payments/${payment.id}/decline`), "Declined")),
      button("Cancel", deed(() => merchant(`${at}/cancel`), "Canceled")),
    ],
    processing: [button("Decline", deed(() => post(`/payments/${payment.id}/decline`), "Declined"))],
    requires_capture: [
      amount,
      button("Capture", deed(() => merchant(`${at}/capture`, part()), "Captured")),
      button("Cancel", deed(() => merchant(`${at}/cancel`), "Canceled")),
    ],
    succeeded: [
      amount,
      button("Refund", deed(() => merchant("/refunds", { payment_id: payment.id, ...part() }), "Refunded")),
      open
        ? ["won", "lost"].map((end) => button(`Dispute ${end}`, deed(() => post(`/disputes/${open.id}`, { status: end }), `Dispute ${end}`)))
        : button("Dispute", deed(() => post(`/payments/${payment.id}/dispute`), "Disputed")),
    ],
  };
  return h("div", { class: "actions", role: "group", "aria-label": "What to do with it" }, by[payment.status] ?? []);
}

const DUE = { due_job: true, due_delivery: true };

function moment(one) {
  return h("li", { class: `moment ${one.what} ${DUE[one.what] ? "due" : ""}` }, time(one.at, true), h("div", {}, TOLD[one.what](one)));
}

const TOLD = {
  request: (one) => [
    h("a", { href: `#/requests/${one.request_id}` }, one.operation ?? one.method), " ", statusBadge(one.status),
    one.replayed && badge("replayed"), one.code && badge(one.code, "code"),
    ...one.faults.map((fault) => badge(`fault: ${fault.kind}`, "fault")),
    h("small", {}, ` ${one.ms.toFixed(1)} ms`, one.idempotency_key ? ` · ${one.idempotency_key}` : ""),
  ],
  movement: (one) => [h("span", {}, one.why), " ", money(one.amount, one.currency), h("small", {}, ` debit ${one.debit}, credit ${one.credit}`)],
  event: (one) => [h("strong", {}, one.type), h("small", {}, ` ${one.id}`)],
  attempt: (one) => [
    "delivery of ", h("a", { href: `#/deliveries/${one.delivery_id}` }, one.type), " ", statusBadge(one.status),
    h("small", {}, ` ${(one.seconds * 1000).toFixed(0)} ms ${one.error ?? ""}`),
  ],
  due_delivery: (one) => ["due: delivery of ", h("a", { href: `#/deliveries/${one.delivery_id}` }, one.type), ` (try ${one.attempts + 1})`],
  due_job: (one) => [`due: ${one.action.replaceAll("_", " ")}`],
};
