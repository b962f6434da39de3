import { useTheme2 } from '@grafana/ui';

import { MARGIN, PAGE_WIDTH, place } from '../grid';
import type { Sheet } from '../model';
import { PanelBox } from './PanelBox';
import { Row } from './Row';
import { TopBar } from './TopBar';
import type { PanelData } from './panelData';

/** A whole dashboard: the bar above, and everything on its grid. */
export function DashboardPage({ sheet, panels }: { sheet: Sheet; panels: PanelData[] }) {
  const theme = useTheme2();
  const rows = sheet.panels.map(({ panel }) => panel).filter(({ type }) => type === 'row');
  const boxes = sheet.panels.map(({ panel }) => place(panel.gridPos));
  const height = Math.max(...boxes.map((box) => box.top + box.height));
  return (
    <main style={{ width: PAGE_WIDTH, background: theme.colors.background.canvas }}>
      <TopBar sheet={sheet} />
      <div style={{ padding: MARGIN }}>
        <div style={{ position: 'relative', height }}>
          {rows.map((row) => (
            <Row key={row.id} title={row.title} box={place(row.gridPos)} />
          ))}
          {panels.map((data) => (
            <PanelBox key={data.panel.id} sheet={sheet} {...data} />
          ))}
        </div>
      </div>
    </main>
  );
}
