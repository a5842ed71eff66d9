// Builds elements. Text is always text: nothing that a merchant sends is ever read as markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// What is the same stays, so that a click or a selection is not lost to a change elsewhere.
export function show(place, ...children) {
  const fresh = children.flat(Infinity).filter(Boolean);
  const old = [...place.childNodes];
  if (old.length !== fresh.length) {
    place.replaceChildren(...fresh);
    return;
  }
  fresh.forEach((child, index) => {
    if (!(child instanceof Node) || !old[index].isEqualNode(child)) old[index].replaceWith(child);
  });
}

export const badge = (text, kind = text) => h("span", { class: `badge ${String(kind).replace(/[^a-z_0-9]/gi, "_")}` }, String(text));

export function statusBadge(status) {
  if (status === null) return badge("no answer", "none");
  return badge(status, `s${String(status)[0]}`);
}

export const money = (amount, currency) =>
  h("span", { class: "money" }, Number(amount).toLocaleString("en", { maximumFractionDigits: 4 }), " ", h("small", {}, currency));

export function time(moment, precise = false) {
  const date = new Date(typeof moment === "number" ? moment * 1000 : moment);
  const text = date.toISOString();
  return h("time", { datetime: text, title: text }, text.slice(5, 10), " ", text.slice(11, precise ? 23 : 19));
}

export const ago = (seconds) => {
  const [size, unit] = seconds >= 86400 ? [86400, "d"] : seconds >= 3600 ? [3600, "h"] : seconds >= 60 ? [60, "min"] : [1, "s"];
  return `${Math.round(seconds / size)} ${unit}`;
};

export const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text ?? "";
  }
};

export const code = (text, label) => h("pre", { tabindex: 0, "aria-label": label }, pretty(text));

export const button = (text, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, text);

export function copier(text, label) {
  return button(label, async () => {
    try {
      await navigator.clipboard.writeText(text);
      notice("Copied");
    } catch {
      notice("The browser does not let this page copy");
    }
  }, { class: "quiet", "aria-label": `Copy: ${label}` });
}

let hiding;
export function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => place.classList.remove("shown"), 4000);
}

// A button's deed: says what went wrong, in the sandbox's words.
export const deed = (work, done) => async (event) => {
  event?.preventDefault?.();
  try {
    await work(event);
    if (done) notice(done);
  } catch (error) {
    notice(error.message);
  }
};
