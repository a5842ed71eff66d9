// The ledger as T-accounts, one group per currency: debits left, credits right.

import { get } from "/console/api.js";
import { badge, h } from "/console/dom.js";

export const title = "Ledger";
export const topics = ["payments", "clock"];
export const whole = true;

export async function view() {
  const told = await get("/ledger/accounts");
  return h("div", { class: "ledger" },
    h("h2", {}, "Ledger ", told.balanced ? badge("balanced", "succeeded") : badge("does not balance", "failed")),
    told.discrepancies.length > 0 && h("ul", { class: "wrong" }, told.discrepancies.map((sentence) => h("li", {}, sentence))),
    told.currencies.length === 0 && h("p", { class: "faint" }, "No money has moved yet."),
    told.currencies.map(({ currency, accounts }) => h("section", { "aria-label": currency },
      h("h3", {}, currency), h("div", { class: "accounts" }, accounts.map(account)))));
}

const number = (amount) => Number(amount).toLocaleString("en", { maximumFractionDigits: 4 });

const account = (one) => h("table", { class: "t" },
  h("caption", {}, one.name.replaceAll("_", " ")),
  h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Debit"), h("th", { scope: "col" }, "Credit"))),
  h("tbody", {}, h("tr", {}, h("td", {}, number(one.debit)), h("td", {}, number(one.credit)))),
  h("tfoot", {}, h("tr", {},
    h("td", {}, one.balance > 0 ? number(one.balance) : ""), h("td", {}, one.balance < 0 ? number(-one.balance) : one.balance === 0 ? "0" : ""))));
