import type { GrafanaTheme2 } from '@grafana/data';

/** How long nothing may change before a page counts as drawn. */
const QUIET = 500;

/** Canvases do not wait for fonts: these are asked for before anything is drawn, and have to be there. */
export async function fonts({ typography }: GrafanaTheme2): Promise<void> {
  for (const font of [typography.fontFamily, typography.fontFamilyMonospace]) {
    for (const weight of [typography.fontWeightRegular, typography.fontWeightMedium]) {
      const faces = await document.fonts.load(`${weight} 12px ${font}`);
      if (faces.length === 0) {
        throw new Error(`there is no font ${font} of weight ${weight}`);
      }
    }
  }
}

/**
 * Waits until nothing has changed for a while: components measure themselves before they draw, and
 * icons come when asked for.
 */
export async function settled(): Promise<void> {
  let changed = performance.now();
  const observer = new MutationObserver(() => {
    changed = performance.now();
  });
  observer.observe(document.body, { subtree: true, childList: true, attributes: true });
  while (performance.now() - changed < QUIET) {
    await new Promise((done) => setTimeout(done, QUIET / 5));
  }
  observer.disconnect();
}
