//! Charts of the HTML report: drawn as SVG, so that the file needs no script and no network.

use std::fmt::Write as _;

use maud::{Markup, html};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
/// A longer run shows the values of several seconds under the mouse at once.
const MOST_STOPS: usize = 600;
/// Distances between marks on the time axis, in seconds.
const STEPS: [f64; 14] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0,
];

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion, from zero.
    Linear,
    /// By powers of ten.
    Logarithmic,
}

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: &'static str,
    /// Its style.
    pub class: &'static str,
    /// Its values; a gap where there is none.
    pub values: Vec<Option<f64>>,
}

/// What all charts of a run share.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The ends of the seconds.
    pub at: Vec<f64>,
    /// The end of the ramp.
    pub ramp: f64,
    /// Beginning and end of the longest silence, if it is worth a mark.
    pub silence: Option<(f64, f64)>,
}

impl Axis {
    fn end(&self) -> f64 {
        self.at.last().copied().unwrap_or_default().max(1.0)
    }

    fn x(&self, at: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (at / self.end()).clamp(0.0, 1.0)
    }
}

/// Heights of a chart.
struct Heights {
    scale: Scale,
    least: f64,
    most: f64,
}

impl Heights {
    fn of(lines: &[Line], scale: Scale) -> Self {
        let values = || lines.iter().flat_map(|line| line.values.iter().flatten());
        let most = values().copied().fold(0.0, f64::max);
        match scale {
            Scale::Linear => Self {
                scale,
                least: 0.0,
                most: rounded_up(most),
            },
            Scale::Logarithmic => {
                let positive = values().copied().filter(|value| *value > 0.0);
                let least = positive.fold(most.max(1.0), f64::min);
                let least = 10_f64.powf(least.log10().floor());
                Self {
                    scale,
                    least,
                    most: 10_f64.powf(most.max(least * 10.0).log10().ceil()),
                }
            }
        }
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => value / self.most,
            Scale::Logarithmic => {
                let value = value.max(self.least);
                (value / self.least).log10() / (self.most / self.least).log10()
            }
        };
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
    }

    fn marks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => vec![0.0, self.most / 2.0, self.most],
            Scale::Logarithmic => {
                let next = |mark: &f64| (*mark < self.most * 0.99).then_some(mark * 10.0);
                std::iter::successors(Some(self.least), next).collect()
            }
        }
    }
}

/// The least of 1, 2, 5, 10, 20, 50 … (and their fractions) that is not below the value.
fn rounded_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fits = steps
        .iter()
        .find(|step| value <= **step * power * 1.000_001);
    fits.unwrap_or(&10.0) * power
}

/// Draws lines over time.
#[must_use]
pub fn chart(
    title: &str,
    written: fn(f64) -> String,
    axis: &Axis,
    scale: Scale,
    lines: &[Line],
) -> Markup {
    let heights = Heights::of(lines, scale);
    let (floor, width) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    html! {
        figure {
            figcaption {
                strong { (title) }
                @for line in lines {
                    span.key { svg viewBox="0 0 24 8" aria-hidden="true" {
                        line class=(line.class) x1="0" y1="4" x2="24" y2="4" {}
                    } (line.name) }
                }
            }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) {
                @if axis.ramp > 0.0 {
                    rect.ramp x=(LEFT) y=(TOP) width=(axis.x(axis.ramp) - LEFT) height=(floor - TOP) {
                        title { "users start" }
                    }
                }
                @if let Some((from, to)) = axis.silence {
                    rect.silence x=(axis.x(from)) y=(TOP)
                        width=((axis.x(to) - axis.x(from)).max(1.0)) height=(floor - TOP) {
                        title { "nobody was answered" }
                    }
                }
                @for mark in heights.marks() {
                    line.grid x1=(LEFT) y1=(heights.y(mark)) x2=(width) y2=(heights.y(mark)) {}
                    text.y x=(LEFT - 6.0) y=(heights.y(mark) + 4.0) { (written(mark)) }
                }
                @for mark in times(axis.end()) {
                    text.x x=(axis.x(mark)) y=(HEIGHT - 6.0) { (mark) " s" }
                }
                @for line in lines {
                    path class=(line.class) d=(path(line, axis, &heights)) {}
                }
                @for stop in stops(axis.at.len()) {
                    rect.stop x=(axis.x(start(axis, stop.0))) y=(TOP) height=(floor - TOP)
                        width=(axis.x(axis.at[stop.1]) - axis.x(start(axis, stop.0))) {
                        title { (values(lines, axis.at[stop.1], stop.1, written)) }
                    }
                }
            }
        }
    }
}

/// Marks of the time axis: at most a dozen.
fn times(end: f64) -> Vec<f64> {
    let step = STEPS.iter().find(|step| end / **step <= 12.0);
    let step = step.copied().unwrap_or(86_400.0);
    std::iter::successors(Some(0.0), |mark| Some(mark + step))
        .take_while(|mark| *mark <= end)
        .collect()
}

/// The line without its gaps. A value that stands alone is a dot.
fn path(line: &Line, axis: &Axis, heights: &Heights) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (at, value) in axis.at.iter().zip(&line.values) {
        let Some(value) = value else {
            drawing = false;
            continue;
        };
        let (x, y) = (axis.x(*at), heights.y(*value));
        let _ = if drawing {
            write!(path, "L{x:.1} {y:.1}")
        } else {
            write!(path, "M{x:.1} {y:.1}h.1")
        };
        drawing = true;
    }
    path
}

/// First and last second of what is shown under the mouse at once.
fn stops(seconds: usize) -> Vec<(usize, usize)> {
    let each = seconds.div_ceil(MOST_STOPS).max(1);
    let begins = (0..seconds).step_by(each);
    begins
        .map(|first| (first, (first + each - 1).min(seconds - 1)))
        .collect()
}

fn start(axis: &Axis, second: usize) -> f64 {
    second.checked_sub(1).map_or(0.0, |before| axis.at[before])
}

fn values(lines: &[Line], at: f64, second: usize, written: fn(f64) -> String) -> String {
    let mut text = format!("{at:.0} s");
    for line in lines {
        if let Some(value) = line.values.get(second).copied().flatten() {
            let _ = write!(text, "\n{}: {}", line.name, written(value));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line {
        Line {
            name: "P50",
            class: "a",
            values: values.to_vec(),
        }
    }

    fn axis(seconds: u32) -> Axis {
        Axis {
            at: (1..=seconds).map(f64::from).collect(),
            ramp: 0.0,
            silence: None,
        }
    }

    #[test]
    fn second_without_a_value_is_a_gap() {
        let line = line(&[Some(1.0), Some(2.0), None, Some(4.0)]);
        let heights = Heights::of(std::slice::from_ref(&line), Scale::Linear);
        let path = path(&line, &axis(4), &heights);
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert_eq!(path.matches('L').count(), 1, "{path}");
    }

    #[test]
    fn scales_hold_every_value() {
        for (values, least, most) in [
            (vec![Some(0.3), Some(740.0)], 0.1, 1_000.0),
            (vec![Some(1.0)], 1.0, 10.0),
            (vec![None], 1.0, 10.0),
        ] {
            let heights = Heights::of(&[line(&values)], Scale::Logarithmic);
            assert!((heights.least - least).abs() < 1e-9, "{values:?}");
            assert!((heights.most - most).abs() < 1e-6, "{values:?}");
            assert!(heights.marks().len() >= 2);
            assert!((heights.y(heights.least) - (HEIGHT - BOTTOM)).abs() < 1e-9);
            assert!((heights.y(heights.most) - TOP).abs() < 1e-9);
        }
        for (value, expected) in [
            (0.0, 1.0),
            (0.3, 0.5),
            (1.0, 1.0),
            (740.0, 1_000.0),
            (11.0, 20.0),
        ] {
            assert!((rounded_up(value) - expected).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn long_runs_stay_readable() {
        for seconds in [1, 30, 600, 601, 86_400] {
            let stops = stops(seconds);
            assert!(stops.len() <= MOST_STOPS);
            assert_eq!(stops.last().expect("one").1, seconds - 1);
            assert!((1..=13).contains(&times(seconds as f64).len()), "{seconds}");
        }
        assert!(stops(0).is_empty());
    }
}
