// The whole way to the pictures: demos with incidents, a Prometheus with the shipped rules and a history of two weeks,
// what it answers to every panel, and the pictures of that.
//
//     node run.mjs PROGRAM ROOT PICTURES      (`draw` calls it)
//
// PROGRAM is imsimta-exporter, ROOT the tree with its rules and dashboards. Everything is on loopback and ends with it.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ask } from "./ask.mjs";
import { draw } from "./draw.mjs";
import { history } from "./history.mjs";

const [, , PROGRAM, ROOT, PICTURES] = process.argv;
const STEP = 10;
// Long enough to see what was before, and for the slower alerts.
const BEFORE = 9 * 60;
const DURING = 8 * 60;

// What happens on each host. Which dashboard shows which is in ask.mjs.
const HOSTS = [
  { name: "mx1", cluster: "east", incident: "dead-dns", noise: true },
  { name: "mx2", cluster: "east", incident: "password-guessing", noise: true },
  { name: "mx3", cluster: "east", incident: "single-client-flood" },
  { name: "mx4", cluster: "west", incident: "mail-loop", noise: true },
  { name: "mx5", cluster: "west", incident: "dispatcher-dead" },
  { name: "mx6", cluster: "west", incident: "dead-destination", noise: true },
];

const started = [];
const stop = () => started.forEach((child) => child.kill("SIGINT"));
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/// Starts a demo; resolves to the address that it serves on.
function demo({ incident, noise }, seed) {
  const when = ["--incident-after", `${BEFORE}s`, "--incident-for", "0", "--rollover-every", "11m"];
  const child = spawn(PROGRAM, [
    "demo", "--listen", "127.0.0.1:0", "--seed", String(seed), "--rate", "6", "--incident", incident, ...when, ...(noise ? ["--noise"] : []),
  ], { stdio: ["ignore", "pipe", "ignore"] });
  started.push(child);
  return new Promise((found, failed) => {
    let text = "";
    child.stdout.on("data", (more) => {
      text += more;
      const address = text.match(/http:\/\/([\d.]+:\d+)\//);
      if (address) found(address[1]);
    });
    child.on("exit", () => failed(new Error(`the demo ${incident} ended`)));
  });
}

/// An address of loopback whose port was free a moment ago.
function freeAddress() {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { address, port } = server.address();
      server.close(() => found(`${address}:${port}`));
    });
  });
}

/// A Prometheus that knows the hosts by name; resolves to its URL when it answers.
async function prometheus(work, addresses) {
  const targets = HOSTS.map(({ name, cluster }, place) =>
    `      - {targets: ["${addresses[place]}"], labels: {instance: "${name}:9797", cluster: ${cluster}}}`);
  cpSync(join(ROOT, "alerts/rules"), join(work, "rules"), { recursive: true });
  writeFileSync(join(work, "prometheus.yml"), [
    "global: {scrape_interval: 10s, scrape_timeout: 5s, evaluation_interval: 10s}", "rule_files: [rules/*.rules.yml]",
    "scrape_configs:", "  - job_name: imsimta", "    static_configs:", ...targets, "",
  ].join("\n"));
  history(HOSTS, join(work, "history.txt"));
  execFileSync("promtool", ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h", join(work, "history.txt"), join(work, "data")], { stdio: "ignore" });
  const address = await freeAddress();
  started.push(spawn("prometheus", [
    `--config.file=${join(work, "prometheus.yml")}`, `--storage.tsdb.path=${join(work, "data")}`, "--storage.tsdb.retention.time=30d",
    `--web.listen-address=${address}`,
  ], { stdio: "ignore" }));
  for (;;) {
    const ready = await fetch(`http://${address}/-/ready`).catch(() => null);
    if (ready?.ok) return `http://${address}`;
    await sleep(1);
  }
}

const work = mkdtempSync(join(tmpdir(), "imsimta-pictures-"));
process.on("exit", () => { stop(); rmSync(work, { recursive: true, force: true }); });
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

const addresses = await Promise.all(HOSTS.map((host, place) => demo(host, place + 41)));
const url = await prometheus(work, addresses);
console.log(`${HOSTS.length} hosts run; pictures in ${(BEFORE + DURING) / 60} minutes`);
await sleep(BEFORE + DURING);
const to = Math.floor(Date.now() / 1000 / STEP) * STEP;
const boards = await ask(url, join(ROOT, "dashboards"), { to, range: `${(BEFORE + DURING) / 60}m`, step: STEP });
stop();
// For `node draw.mjs answers.json DIRECTORY`, which draws them again.
writeFileSync("answers.json", JSON.stringify({ step: STEP, boards }));
await draw(boards, STEP, join(work, "pages"), PICTURES);
process.exit(0);
