/** The page: draws the dashboard that it is given, and says what it has drawn. */
import { ThemeContext, createTheme, setTimeZoneResolver } from '@grafana/data';
import { GlobalStyles } from '@grafana/ui';
import type { ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import type { Drawn, Sheet } from '../model';
import { blank } from './blank';
import { DashboardPage } from './DashboardPage';
import { TIME_ZONE, prepare, registerTransformers } from './fields';
import { framesOf } from './frames';
import { type PanelData, emptyText, onlyNaN } from './panelData';
import { fonts, settled } from './settled';

declare global {
  interface Window {
    /** What has been drawn, once everything is. */
    drawn?: Drawn[];
  }
}

const theme = createTheme({ colors: { mode: 'dark' } });

const root = createRoot(document.body.appendChild(document.createElement('div')));

function render(children: ReactNode): void {
  flushSync(() =>
    root.render(<ThemeContext.Provider value={theme}>{children}</ThemeContext.Provider>),
  );
}

async function load(sheet: Sheet): Promise<PanelData[]> {
  const load = async ({ panel, answers }: Sheet['panels'][number]): Promise<PanelData> => {
    const frames = answers.flatMap(framesOf);
    return { panel, answers, ...(await prepare(panel, frames, theme)) };
  };
  return Promise.all(sheet.panels.filter(({ panel }) => panel.type !== 'row').map(load));
}

async function start(): Promise<void> {
  setTimeZoneResolver(() => TIME_ZONE);
  registerTransformers();
  const sheet = (await (await fetch('sheet.json')).json()) as Sheet;
  const panels = await load(sheet);
  render(<GlobalStyles />);
  await fonts(theme);
  render(
    <>
      <GlobalStyles />
      <DashboardPage sheet={sheet} panels={panels} />
    </>,
  );
  await settled();
  const missing = blank();
  if (missing.length > 0) {
    throw new Error(`nothing was drawn of ${missing.join(', ')}`);
  }
  window.drawn = panels.map((data) => ({
    title: data.panel.title,
    noData: emptyText(data),
    onlyNaN: onlyNaN(data),
  }));
}

void start();
