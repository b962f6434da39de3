//! A panel, and how it is put together.

use super::Color;

/// How a panel shows its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// One figure, with its course behind it unless it is over the whole range.
    Stat,
    /// One figure between a least and a most.
    Gauge,
    /// The largest, as bars.
    BarGauge,
    /// Courses.
    TimeSeries,
    /// Courses on top of each other: their sum is meaningful.
    Stacked,
    /// How buckets fill over time.
    Heatmap,
    /// Labels as columns.
    Table,
    /// States over time.
    StateTimeline,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A number that is a ratio of other things, such as a burn rate.
    Number,
    /// Requests a second.
    RequestRate,
    /// Events a second.
    EventRate,
    /// Seconds.
    Seconds,
    /// 0 to 1, shown in percent.
    Ratio,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    ByteRate,
    /// 1 is up, 0 is down.
    UpDown,
}

impl Unit {
    /// Grafana's name of it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::Number | Self::UpDown => "none",
            Self::RequestRate => "reqps",
            Self::EventRate => "ops",
            Self::Seconds => "s",
            Self::Ratio => "percentunit",
            Self::Bytes => "bytes",
            Self::ByteRate => "Bps",
        }
    }
}

/// What a panel shows while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Values, as always.
    Shown,
    /// Its no-data text: there is nothing to tell.
    Empty,
}

/// A query of a panel.
#[derive(Clone, Debug)]
pub struct Target {
    /// PromQL, with the dashboard's variables.
    pub expr: String,
    /// What a series is called, with labels in double braces.
    pub legend: &'static str,
}

/// Where a click on a series leads.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What it says.
    pub title: &'static str,
    /// Where to, with Grafana's variables.
    pub url: &'static str,
}

/// A panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its title.
    pub title: &'static str,
    /// What to do when it looks bad.
    pub description: &'static str,
    /// The sections of the runbook that say more, without `#`.
    pub runbook: Vec<&'static str>,
    /// How it shows its values.
    pub view: View,
    /// What they are.
    pub unit: Unit,
    /// What is asked.
    pub targets: Vec<Target>,
    /// From which values on it has which colour; below the first, [`Panel::base`].
    pub steps: Vec<(f64, Color)>,
    /// The colour below the first step.
    pub base: Color,
    /// What it says instead of values.
    pub no_data: &'static str,
    /// What it shows while nothing happens.
    pub idle: Idle,
    /// The ends of its axis, where they are known.
    pub range: (Option<f64>, Option<f64>),
    /// How far its axis goes at least where its ends are not given: without, small noise fills it, and
    /// nothing at all is drawn below a hundred.
    pub soft: (Option<f64>, Option<f64>),
    /// Whether its legend stands at its right: for many courses.
    pub legend_beside: bool,
    /// The widths of columns of a table in pixels, by their headings; the others share the rest.
    pub widths: Vec<(&'static str, u16)>,
    /// How many decimals are shown; as many as Grafana thinks fit without it.
    pub decimals: Option<u8>,
    /// The shortest step between two values, which also bounds the range of rates from below: for
    /// what changes too seldom for shorter ones.
    pub step: Option<&'static str>,
    /// Where a click on a series leads.
    pub link: Option<Link>,
    /// For tables: labels that become columns, with their headings.
    pub columns: Vec<(&'static str, &'static str)>,
    /// Its width, of 24.
    pub width: u8,
    /// Its height, in Grafana's rows of 30 pixels.
    pub height: u8,
}

impl Panel {
    /// A panel of this kind, with the size that it usually has. It shows data also while nothing
    /// happens, unless [`Panel::quiet`] says otherwise.
    #[must_use]
    pub fn new(view: View, unit: Unit, title: &'static str, description: &'static str) -> Self {
        let (width, height) = match view {
            View::Stat | View::Gauge => (6, 5),
            _ => (8, 8),
        };
        let range = match unit {
            Unit::Ratio => (Some(0.0), Some(1.0)),
            _ => (Some(0.0), None),
        };
        let most = match unit {
            Unit::Ratio => 0.01,
            Unit::Seconds => 0.001,
            Unit::Bytes | Unit::ByteRate => 1024.0,
            _ => 1.0,
        };
        Self {
            title,
            description,
            runbook: Vec::new(),
            view,
            unit,
            targets: Vec::new(),
            steps: Vec::new(),
            base: Color::Plain,
            no_data: "no data",
            idle: Idle::Shown,
            range,
            soft: (None, Some(most)),
            legend_beside: false,
            widths: Vec::new(),
            decimals: None,
            step: None,
            link: None,
            columns: Vec::new(),
            width,
            height,
        }
    }

    /// Also asks this.
    #[must_use]
    pub fn query(mut self, legend: &'static str, expr: impl Into<String>) -> Self {
        let expr = expr.into();
        self.targets.push(Target { expr, legend });
        self
    }

    /// Good below the first step.
    #[must_use]
    pub fn steps(mut self, steps: &[(f64, Color)]) -> Self {
        self.base = Color::Good;
        self.steps = steps.to_vec();
        self
    }

    /// Bad below the first step.
    #[must_use]
    pub fn rising_steps(mut self, steps: &[(f64, Color)]) -> Self {
        self.base = Color::Bad;
        self.steps = steps.to_vec();
        self
    }

    /// While nothing happens there is nothing to show; then it says this.
    #[must_use]
    pub fn quiet(mut self, no_data: &'static str) -> Self {
        self.idle = Idle::Empty;
        self.no_data = no_data;
        self
    }

    /// The sections of the runbook that say more.
    #[must_use]
    pub fn runbook(mut self, sections: &[&'static str]) -> Self {
        self.runbook = sections.to_vec();
        self
    }

    /// What it says where there is no data, though there should be.
    #[must_use]
    pub fn missing(mut self, no_data: &'static str) -> Self {
        self.no_data = no_data;
        self
    }

    /// The ends of its axis.
    #[must_use]
    pub fn range(mut self, least: Option<f64>, most: Option<f64>) -> Self {
        self.range = (least, most);
        self
    }

    /// How far its axis goes at least.
    #[must_use]
    pub fn soft(mut self, least: Option<f64>, most: Option<f64>) -> Self {
        self.soft = (least, most);
        self
    }

    /// Its legend stands at its right.
    #[must_use]
    pub fn legend_beside(mut self) -> Self {
        self.legend_beside = true;
        self
    }

    /// How wide columns are, by their headings.
    #[must_use]
    pub fn widths(mut self, widths: &[(&'static str, u16)]) -> Self {
        self.widths = widths.to_vec();
        self
    }

    /// How many decimals are shown.
    #[must_use]
    pub fn decimals(mut self, decimals: u8) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// The shortest step between two values.
    #[must_use]
    pub fn step(mut self, step: &'static str) -> Self {
        self.step = Some(step);
        self
    }

    /// Where a click on a series leads.
    #[must_use]
    pub fn link(mut self, title: &'static str, url: &'static str) -> Self {
        self.link = Some(Link { title, url });
        self
    }

    /// For tables: labels that become columns, with their headings; `Value` is the value.
    #[must_use]
    pub fn columns(mut self, columns: &[(&'static str, &'static str)]) -> Self {
        self.columns = columns.to_vec();
        self
    }

    /// Its size: of 24 across, in rows of 30 pixels.
    #[must_use]
    pub fn size(mut self, width: u8, height: u8) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Whether it is asked once, for the end of the range, rather than all along it.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        let over_range = self.targets.iter().any(|t| t.expr.contains("$__range"));
        over_range || matches!(self.view, View::Table | View::BarGauge)
    }
}
