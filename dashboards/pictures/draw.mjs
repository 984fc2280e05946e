// Draws answers as docs/images/dashboard-*.png: a page for each dashboard, and Chromium without a window.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build } from "esbuild";

const HERE = new URL(".", import.meta.url).pathname;

/// Writes the pictures of `answers`, which are those of `ask`, into a directory, by way of another.
export async function draw(answers, step, work, pictures) {
  mkdirSync(work, { recursive: true });
  await build({
    entryPoints: [join(HERE, "picture.jsx")], bundle: true, outfile: join(work, "picture.js"), format: "iife", jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"', global: "window" }, logLevel: "error",
    loader: { ".svg": "dataurl", ".woff2": "dataurl" },
  });
  for (const board of answers) {
    const bottom = Math.max(...board.panels.map(({ panel }) => panel.gridPos.y + panel.gridPos.h));
    const name = board.uid.replace("imsimta-", "dashboard-");
    const page = join(work, `${name}.html`);
    const json = JSON.stringify({ ...board, step }).replaceAll("<", "\\u003c");
    writeFileSync(page, `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="picture.css">
<style>*, *::before, *::after { box-sizing: border-box } body { margin: 0 }</style><div id="board"></div>
<script>window.board = ${json}</script><script src="picture.js"></script>`);
    execFileSync("chromium", [
      "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
      `--window-size=1600,${bottom * 38 + 60}`, "--virtual-time-budget=15000", `--screenshot=${join(pictures, `${name}.png`)}`, page,
    ], { stdio: ["ignore", "ignore", "pipe"] });
    console.log(name);
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [, , answers, pictures] = process.argv;
  const { step, boards } = JSON.parse(readFileSync(answers, "utf8"));
  await draw(boards, step, `${answers}.work`, pictures);
}
