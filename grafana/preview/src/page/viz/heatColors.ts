import type { GrafanaTheme2 } from '@grafana/data';
import {
  interpolateBlues,
  interpolateGreens,
  interpolateGreys,
  interpolateOranges,
  interpolatePurples,
  interpolateReds,
} from 'd3-scale-chromatic';

/** The schemes of one hue. They begin bright, so Grafana turns them round on a dark background. */
const SCHEMES: Record<string, (share: number) => string> = {
  Blues: interpolateBlues,
  Greens: interpolateGreens,
  Greys: interpolateGreys,
  Oranges: interpolateOranges,
  Purples: interpolatePurples,
  Reds: interpolateReds,
};

interface ColorOptions {
  mode: string;
  scheme: string;
  steps: number;
  reverse: boolean;
}

/** A heat map's colours, from the least value to the greatest. */
export function heatColors(
  { mode, scheme, steps, reverse }: ColorOptions,
  theme: GrafanaTheme2,
): string[] {
  const interpolate = SCHEMES[scheme];
  if (mode !== 'scheme' || !interpolate) {
    throw new Error(`no colours are known for a heat map by ${mode} ${scheme}`);
  }
  const turned = reverse !== theme.isDark;
  return Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    return interpolate(turned ? 1 - share : share);
  });
}
