import { type FieldDisplay, formattedValueToString } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

import { angle, arc } from './arc';

interface DialProps {
  value: FieldDisplay;
  /** Whether its name is shown. */
  named: boolean;
  /** Whether thresholds are shown around it. */
  markers: boolean;
  width: number;
  height: number;
}

const NAME_HEIGHT = 24;
const NAME_SIZE = 14;
/** The height of a dial of radius 1: it is open below. */
const DIAL_HEIGHT = 1.4;
const MARKER = 3;

/** A gauge's dial. @grafana/ui no longer has one, so it is drawn here. */
export function Dial({ value: { display, field }, named, markers, width, height }: DialProps) {
  const theme = useTheme2();
  const room = height - (named ? NAME_HEIGHT : 0);
  const radius = Math.min(width / 2, room / DIAL_HEIGHT) - 2;
  const ring = radius * 0.2;
  const middle = radius - 2 * MARKER - ring / 2;
  const x = width / 2;
  const top = (room - radius * DIAL_HEIGHT) / 2;
  const y = top + radius;

  const min = field.min ?? 0;
  const max = field.max ?? 100;
  const at = (number: number): number => angle((number - min) / (max - min));
  const end = at(display.numeric);
  const steps = markers ? (field.thresholds?.steps ?? []) : [];
  const text = formattedValueToString(display);
  // Large, yet within the ring.
  const fontSize = Math.min(middle * 0.5, ((middle - ring) * 2.4) / text.length);
  const track = theme.colors.background.secondary;
  return (
    <svg
      width={width}
      height={height}
      fill="none"
      fontFamily={theme.typography.fontFamily}
      textAnchor="middle"
    >
      <path d={arc(x, y, middle, at(min), at(max))} stroke={track} strokeWidth={ring} />
      {end > at(min) && (
        <path d={arc(x, y, middle, at(min), end)} stroke={display.color} strokeWidth={ring} />
      )}
      {steps.map((step, i) => {
        const from = at(step.value);
        const to = at(steps[i + 1]?.value ?? max);
        const color = theme.visualization.getColorByName(step.color);
        const path = arc(x, y, radius - MARKER / 2, from, to);
        return to > from && <path key={i} d={path} stroke={color} strokeWidth={MARKER} />;
      })}
      <text x={x} y={y} fill={display.color} fontSize={fontSize} dominantBaseline="middle">
        {text}
      </text>
      {named && (
        <text
          x={x}
          y={top + radius * DIAL_HEIGHT + NAME_SIZE}
          fill={theme.colors.text.primary}
          fontSize={NAME_SIZE}
        >
          {display.title}
        </text>
      )}
    </svg>
  );
}
