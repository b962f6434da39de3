/** The arc of a gauge, in degrees from its top: Grafana leaves the same part open below. */
export const REACH = 110;

/** Where a share of the arc is, as an angle. */
export function angle(share: number): number {
  return (Math.min(1, Math.max(0, share)) * 2 - 1) * REACH;
}

/** An SVG path along a circle from one angle to another. */
export function arc(x: number, y: number, radius: number, from: number, to: number): string {
  const point = (degrees: number): string => {
    const radians = (degrees / 180) * Math.PI;
    return `${x + radius * Math.sin(radians)} ${y - radius * Math.cos(radians)}`;
  };
  const large = to - from > 180 ? 1 : 0;
  return `M ${point(from)} A ${radius} ${radius} 0 ${large} 1 ${point(to)}`;
}
