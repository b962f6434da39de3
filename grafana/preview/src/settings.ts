/** What the environment says. */
import type { Span } from './model';
import { milliseconds } from './steps';

export interface Settings {
  prometheus: string;
  load: Span;
  proof: Span;
  /** In milliseconds. */
  scrape: number;
  out: string;
  chromium: string;
  modules: string;
  dashboards: string;
  page: string;
}

export function settings(env: NodeJS.ProcessEnv): Settings {
  const needed = (name: string): string => {
    const value = env[name];
    if (!value) {
      throw new Error(`${name} is not set`);
    }
    return value;
  };
  const time = (name: string): number => {
    const seconds = Number(needed(name));
    if (!Number.isFinite(seconds)) {
      throw new Error(`${name} is no time in seconds`);
    }
    return seconds * 1e3;
  };
  const span = (name: string): Span => {
    const [from, to] = [time(`${name}_FROM`), time(`${name}_TO`)];
    if (to <= from) {
      throw new Error(`${name}_TO is not after ${name}_FROM`);
    }
    return { from, to };
  };
  const here = needed('PREVIEW');
  return {
    prometheus: needed('PROMETHEUS_URL').replace(/\/$/, ''),
    load: span('LOAD'),
    proof: span('PROOF'),
    scrape: milliseconds(env.SCRAPE_INTERVAL || '1s'),
    out: `${needed('OUT')}/preview`,
    chromium: env.CHROMIUM || 'chromium',
    modules: needed('PREVIEW_MODULES'),
    dashboards: `${here}/../dashboards`,
    page: `${here}/src/page/main.tsx`,
  };
}
