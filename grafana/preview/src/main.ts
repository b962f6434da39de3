/** Draws every dashboard, over the time of the load and some over the time of the whole proof. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { assets, bundle } from './assets';
import { draw, launch } from './browser';
import { busy } from './busy';
import { gallery } from './gallery';
import { gather } from './gather';
import { heightOf } from './grid';
import type { Dashboard, Span } from './model';
import { Prometheus } from './prometheus';
import { settings } from './settings';
import { summary } from './summary';

/** The dashboards on which faults are seen. */
const WITH_FAULTS = ['overview', 'security', 'dependencies'];

interface Job {
  file: string;
  dashboard: Dashboard;
  span: Span;
  caption: string;
}

async function jobs(folder: string, load: Span, proof: Span): Promise<Job[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const all = [];
  for (const file of files) {
    const name = file.replace(/\.json$/, '');
    const dashboard = JSON.parse(await readFile(join(folder, file), 'utf8')) as Dashboard;
    const { title } = dashboard;
    all.push({ file: `${name}.png`, dashboard, span: load, caption: `${title}, under load` });
    if (WITH_FAULTS.includes(name)) {
      const caption = `${title}, with faults and alerts`;
      all.push({ file: `${name}-faults.png`, dashboard, span: proof, caption });
    }
  }
  if (all.length === 0) {
    throw new Error(`there are no dashboards in ${folder}`);
  }
  return all;
}

async function main(): Promise<void> {
  const given = settings(process.env);
  const prometheus = new Prometheus(given.prometheus);
  const load = await busy(given.load, given.scrape, prometheus);
  const all = await jobs(given.dashboards, load, given.proof);
  await mkdir(given.out, { recursive: true });
  const program = await bundle(given.page, given.modules);
  const browser = await launch(given.chromium);
  try {
    for (const job of all) {
      try {
        const sheet = await gather(job.dashboard, job.span, given.scrape, prometheus);
        const { png, drawn } = await draw(
          browser,
          assets(program, given.modules, sheet),
          heightOf(job.dashboard.panels),
        );
        await writeFile(join(given.out, job.file), png);
        console.log(
          `${job.file}: ${summary(job.dashboard.panels, drawn)}; ${Math.round(png.length / 1024)} KiB`,
        );
      } catch (error) {
        throw new Error(`${job.file}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await browser.close();
  }
  await writeFile(join(given.out, 'index.html'), gallery(all));
}

main().catch((error: Error) => {
  console.error(`preview: ${error.message}`);
  process.exitCode = 1;
});
