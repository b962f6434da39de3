import {
  Icon,
  InlineLabel,
  Stack,
  Text,
  TimeRangeLabel,
  ToolbarButton,
  useTheme2,
} from '@grafana/ui';
import { version } from '@grafana/ui/package.json';

import { MARGIN } from '../grid';
import type { Sheet } from '../model';
import { TIME_ZONE } from './fields';
import { timeRange } from './timeRange';

/** What no reader may miss. */
const LABEL = `preview drawn with @grafana/ui ${version} from a real run, not Grafana itself`;

/** The bar above a dashboard: its name, its variables and its time. */
export function TopBar({ sheet }: { sheet: Sheet }) {
  const theme = useTheme2();
  const border = `1px solid ${theme.colors.border.weak}`;
  return (
    <header style={{ padding: MARGIN, paddingBottom: 0 }}>
      <div style={{ borderBottom: border, paddingBottom: theme.spacing(2) }}>
        <Stack direction="column" gap={2}>
          <Stack alignItems="center" justifyContent="space-between">
            <Text element="h1" variant="h3">
              {sheet.title}
            </Text>
            <Label />
          </Stack>
          <Stack alignItems="center" justifyContent="space-between">
            <Stack gap={2}>
              {sheet.variables.map(({ label, text }) => (
                <Value key={label} label={label} text={text} />
              ))}
            </Stack>
            <ToolbarButton icon="clock-nine" variant="canvas">
              <TimeRangeLabel value={timeRange(sheet.span)} timeZone={TIME_ZONE} />
            </ToolbarButton>
          </Stack>
        </Stack>
      </div>
    </header>
  );
}

function Label() {
  const theme = useTheme2();
  const { border, text, transparent } = theme.colors.warning;
  const box = {
    padding: theme.spacing(0.5, 1.5),
    color: text,
    background: transparent,
    border: `1px solid ${border}`,
    borderRadius: theme.shape.radius.default,
    ...theme.typography.h5,
  };
  return (
    <div style={box}>
      <Icon name="info-circle" size="lg" /> {LABEL}
    </div>
  );
}

function Value({ label, text }: { label: string; text: string }) {
  const theme = useTheme2();
  const box = {
    padding: theme.spacing(0, 1.5),
    lineHeight: theme.spacing(4),
    background: theme.components.input.background,
    border: `1px solid ${theme.components.input.borderColor}`,
    borderRadius: theme.shape.radius.default,
  };
  return (
    <Stack gap={0} alignItems="center">
      <InlineLabel width="auto">{label}</InlineLabel>
      <div style={box}>{text}</div>
    </Stack>
  );
}
