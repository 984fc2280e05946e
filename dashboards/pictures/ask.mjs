// What a Prometheus answers to the panels of the dashboards, for the time that is shown.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

// The host, or all, that each picture shows: one on which something happens that the dashboard is for.
const SHOWN = {
  "imsimta-overview": { instance: "mx1:9797" },
  "imsimta-delivery": { instance: "mx1:9797" },
  "imsimta-queues": { instance: "mx1:9797" },
  "imsimta-connections": { instance: "mx2:9797" },
  "imsimta-daemons": { instance: "mx5:9797" },
  "imsimta-exporter": { instance: "mx1:9797" },
  "imsimta-fleet": {},
};
// Of a panel that repeats for each channel, these are drawn.
const REPEATED = ["tcp_local", "ims-ms", "tcp_intranet"];

function substitute(expr, variables) {
  return expr.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, plain) => variables[braced ?? plain] ?? whole);
}

async function get(prometheus, path, parameters) {
  const response = await fetch(`${prometheus}${path}`, { method: "POST", body: new URLSearchParams(parameters) });
  const answer = await response.json();
  if (answer.status !== "success") throw new Error(`${parameters.query}: ${answer.error}`);
  return answer.data.result;
}

const seconds = (duration) => {
  const [, number, unit] = duration.match(/^(\d+)([smh])$/);
  return Number(number) * { s: 1, m: 60, h: 3600 }[unit];
};

/// Panels, one for each value of the variable by which it repeats, beside each other.
function expand(panel) {
  if (!panel.repeat) return [[panel, {}]];
  return REPEATED.map((channel, place) => {
    const gridPos = { ...panel.gridPos, x: place * panel.gridPos.w };
    return [{ ...panel, gridPos, title: substitute(panel.title, { channel }) }, { channel }];
  });
}

/// Everything that is drawn of one dashboard.
async function board(prometheus, file, { to, range, step }) {
  const board = JSON.parse(readFileSync(file, "utf8"));
  const from = to - seconds(range);
  const variables = {
    __range: range, __rate_interval: "40s", job: ".+", instance: ".+", channel: ".+", cluster: ".*", ...SHOWN[board.uid],
  };
  const over = (query) => get(prometheus, "/api/v1/query_range", { query, start: from, end: to, step });
  const now = (query) => get(prometheus, "/api/v1/query", { query, time: to });
  const panels = [];
  for (const [panel, own] of board.panels.flatMap(expand)) {
    const answers = [];
    for (const target of panel.targets ?? []) {
      const query = substitute(target.expr, { ...variables, ...own });
      answers.push({ target, result: await (target.range ? over(query) : now(query)) });
    }
    panels.push({ panel, answers });
  }
  const annotations = [];
  for (const annotation of board.annotations.list) {
    const result = await over(substitute(annotation.expr, variables));
    annotations.push({ annotation, result });
  }
  return { uid: board.uid, title: board.title, variables: board.templating.list, chosen: SHOWN[board.uid], from, to, panels, annotations };
}

/// All dashboards of a directory.
export async function ask(prometheus, directory, options) {
  const files = readdirSync(directory).filter((name) => name.endsWith(".json")).sort();
  const answers = [];
  for (const name of files) answers.push(await board(prometheus, join(directory, name), options));
  return answers;
}
