// Signs bodies with node's own crypto: lines of JSON on stdin, the same with a header on stdout.
const crypto = require("node:crypto");
const lines = require("node:fs").readFileSync(0, "utf8").trim().split("\n");
for (const line of lines) {
  const { secret, kid, t, body } = JSON.parse(line);
  const v1 = crypto.createHmac("sha256", secret).update(`${t}.${body}`).digest("hex");
  console.log(JSON.stringify({ secret, kid, t, body, header: `t=${t},v1=${v1},kid=${kid}` }));
}
