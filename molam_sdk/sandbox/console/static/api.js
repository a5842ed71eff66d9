// Speaks to the sandbox: the control paths, the API itself with the main key, and the stream of changes.

const TOKEN = "molam-sandbox-token";
let apiKey = "";

export class Refused extends Error {}

async function answerOf(response) {
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (!response.ok) throw new Refused(`${response.status}: ${body?.error?.message ?? response.statusText}`);
  return body;
}

async function ask(method, path, body, headers = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const sent = { ...headers, ...(token ? { "Molam-Sandbox-Token": token } : {}), ...(body ? { "Content-Type": "application/json" } : {}) };
  const response = await fetch(path, { method, headers: sent, body: body ? JSON.stringify(body) : undefined });
  if (response.status === 401 && path.startsWith("/_sandbox")) {
    const given = prompt("The control token of this sandbox");
    if (given) {
      sessionStorage.setItem(TOKEN, given);
      return ask(method, path, body, headers);
    }
  }
  return answerOf(response);
}

export const get = (path, query = {}) => {
  const chosen = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const asked = new URLSearchParams(chosen).toString();
  return ask("GET", `/_sandbox${path}${asked ? `?${asked}` : ""}`);
};
export const post = (path, body = {}) => ask("POST", `/_sandbox${path}`, body);
export const remove = (path) => ask("DELETE", `/_sandbox${path}`);

export async function status() {
  const told = await get("/status");
  apiKey = told.api_key;
  return told;
}

// As a merchant would: it is in the request log like every other request.
export const merchant = (path, body = {}) =>
  ask("POST", `/v1/connect${path}`, body, { Authorization: `Bearer ${apiKey}`, "Idempotency-Key": `console-${crypto.randomUUID()}` });

export async function follow(changed, connected) {
  for (;;) {
    try {
      await read(changed, connected);
    } catch {
      connected(false);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function read(changed, connected) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch("/_sandbox/stream", { headers: token ? { "Molam-Sandbox-Token": token } : {} });
  if (!response.ok) throw new Refused(String(response.status));
  connected(true);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Refused("ended");
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data) changed(JSON.parse(data.slice(6)));
    }
  }
}
