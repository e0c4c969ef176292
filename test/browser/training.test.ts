/** A page bundled by Vite, served on loopback and opened in Debian's chromium trains a model. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const page = fileURLToPath(new URL("../../../test/browser/page", import.meta.url));
const executablePath = process.env["TYPEGRAD_CHROMIUM"] ?? "/usr/bin/chromium";
const skip = existsSync(executablePath)
  ? false
  : `NO BROWSER TEST: there is no ${executablePath}; set TYPEGRAD_CHROMIUM`;
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Bundlers outside the package find it by name in `node_modules`; inside it, its own exports are asked. */
const ownPackage = {
  name: "own-package",
  resolveId: (id: string): string | null =>
    /^typegrad(\/|$)/.test(id) ? fileURLToPath(import.meta.resolve(id)) : null,
};

/** With these a page is cross-origin isolated: it may share memory with workers. */
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

for (const { what, headers, threads } of [
  { what: "a page of its own origin", headers: isolation, threads: 2 },
  { what: "any page", headers: {}, threads: 1 },
])
  test(`a small model trains in ${what}, ${threads} at once`, { skip, timeout: 120_000 }, async () => {
    const outDir = await mkdtemp(join(tmpdir(), "typegrad-browser-"));
    const shared = { root: page, configFile: false, logLevel: "error" } as const;
    await build({ ...shared, base: "./", plugins: [ownPackage], build: { outDir, emptyOutDir: true } });
    const server = await preview({ ...shared, build: { outDir }, preview: { host: "127.0.0.1", port: 0, headers } });
    const browser = await chromium.launch({ executablePath, args });
    try {
      const tab = await browser.newPage();
      const problems: string[] = [];
      tab.on("pageerror", (error) => problems.push(error.message));
      tab.on("console", (message) => void (message.type() === "error" && problems.push(message.text())));
      await tab.goto(server.resolvedUrls?.local[0] ?? "");
      await Promise.race([
        tab.waitForSelector("body[data-threads]", { timeout: 60_000, state: "attached" }),
        tab.waitForEvent("pageerror", { timeout: 60_000 }),
      ]);
      assert.deepEqual(problems, []);
      const told = async (name: string): Promise<string> => (await tab.getAttribute("body", name)) ?? "";
      assert.equal(await tab.locator("body > svg[aria-label=Loss] path").count(), 1, "the chart on the page");
      assert.equal(await told("data-picture"), "640×400");
      const [constant, trained]: number[] = JSON.parse(await told("data-losses"));
      // The variance of the target is the loss of the best answer that does not look at its input.
      assert.ok(constant > 0.1 && trained < 0.1 * constant, `loss ${trained}, of a constant ${constant}`);
      const work: { threads: number; runs: number; results: number[] } = JSON.parse(await told("data-threads"));
      assert.equal(work.threads, threads);
      assert.ok(threads === 1 ? work.runs === 0 : work.runs > 2, `${work.runs} runs on several threads`);
      assert.equal(work.results[0], work.results[1]);
      assert.ok(Math.abs(work.results[0]) > 1e-3);
    } finally {
      await browser.close();
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    }
  });
