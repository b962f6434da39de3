/** Finds panels that should have drawn something and are blank. */

/** What a panel leaves on the page that has drawn something. */
export type Trace = 'canvas' | 'text';

/** Attributes of the element around what a panel draws. */
export function traced(title: string, leaves: Trace): Record<string, string> {
  return { 'data-title': title, 'data-leaves': leaves };
}

/** The titles of panels that are blank. */
export function blank(): string[] {
  const panels = [...document.querySelectorAll<HTMLElement>('[data-leaves]')];
  return panels.filter((panel) => !hasDrawn(panel)).map((panel) => panel.dataset.title ?? '');
}

function hasDrawn(panel: HTMLElement): boolean {
  if (panel.dataset.leaves === 'text') {
    return panel.textContent !== '';
  }
  const canvas = panel.querySelector('canvas');
  return canvas !== null && canvas.width > 0 && canvas.height > 0;
}
