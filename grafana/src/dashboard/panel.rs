//! A panel and its builder.

use super::Color;

/// How a panel shows its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// One figure, with a sparkline unless it is over the whole range.
    Stat,
    /// One figure on a dial.
    Gauge,
    /// The largest values, as bars.
    BarGauge,
    /// Lines over time.
    TimeSeries,
    /// Stacked lines, whose sum is meaningful.
    Stacked,
    /// The distribution over time.
    Heatmap,
    /// Labels as columns.
    Table,
    /// States over time.
    StateTimeline,
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A count.
    Count,
    /// A plain number, such as a burn rate.
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

/// Whether a panel has data while the service is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It has.
    Shown,
    /// It shows its no-data text.
    Empty,
}

/// A query of a panel.
#[derive(Clone, Debug)]
pub struct Target {
    /// PromQL, with the dashboard's variables.
    pub expr: String,
    /// The legend, with labels in double braces.
    pub legend: &'static str,
}

/// Where a click on a series leads.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Its title.
    pub title: &'static str,
    /// Its URL, with Grafana's variables.
    pub url: &'static str,
}

/// A panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its title.
    pub title: &'static str,
    /// The description, which says what to do when the panel looks bad, as Markdown.
    pub description: &'static str,
    /// The sections of the runbook that say more, without `#`.
    pub runbook: Vec<&'static str>,
    /// The kind of panel.
    pub view: View,
    /// The unit of its values.
    pub unit: Unit,
    /// Its queries.
    pub targets: Vec<Target>,
    /// Thresholds and the colour from each on; below the first, [`Panel::base`].
    pub steps: Vec<(f64, Color)>,
    /// The colour below the first step.
    pub base: Color,
    /// Its no-data text.
    pub no_data: &'static str,
    /// Whether it has data while the service is idle.
    pub idle: Idle,
    /// Minimum and maximum of its axis, where they are fixed.
    pub range: (Option<f64>, Option<f64>),
    /// Soft minimum and maximum of its axis: without them, small noise fills the panel.
    pub soft: (Option<f64>, Option<f64>),
    /// Whether its legend is at the right, for many lines.
    pub legend_beside: bool,
    /// Widths of table columns in pixels, by heading; the others share the rest.
    pub widths: Vec<(&'static str, u16)>,
    /// Number of decimals; chosen by Grafana without it.
    pub decimals: Option<u8>,
    /// Minimum step, which is also a lower bound for the range of rates: for values that change rarely.
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
    /// A panel of this kind in its usual size. It must have data while the service is idle, unless
    /// [`Panel::quiet`] is called.
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

    /// Adds a query.
    #[must_use]
    pub fn query(mut self, legend: &'static str, expr: impl Into<String>) -> Self {
        let expr = expr.into();
        self.targets.push(Target { expr, legend });
        self
    }

    /// Sets thresholds; good below the first.
    #[must_use]
    pub fn steps(mut self, steps: &[(f64, Color)]) -> Self {
        self.base = Color::Good;
        self.steps = steps.to_vec();
        self
    }

    /// Sets thresholds; bad below the first.
    #[must_use]
    pub fn rising_steps(mut self, steps: &[(f64, Color)]) -> Self {
        self.base = Color::Bad;
        self.steps = steps.to_vec();
        self
    }

    /// It has no data while the service is idle, and shows this text.
    #[must_use]
    pub fn quiet(mut self, no_data: &'static str) -> Self {
        self.idle = Idle::Empty;
        self.no_data = no_data;
        self
    }

    /// Links sections of the runbook.
    #[must_use]
    pub fn runbook(mut self, sections: &[&'static str]) -> Self {
        self.runbook = sections.to_vec();
        self
    }

    /// The text where data is missing.
    #[must_use]
    pub fn missing(mut self, no_data: &'static str) -> Self {
        self.no_data = no_data;
        self
    }

    /// Minimum and maximum of its axis.
    #[must_use]
    pub fn range(mut self, least: Option<f64>, most: Option<f64>) -> Self {
        self.range = (least, most);
        self
    }

    /// Soft minimum and maximum of its axis.
    #[must_use]
    pub fn soft(mut self, least: Option<f64>, most: Option<f64>) -> Self {
        self.soft = (least, most);
        self
    }

    /// Puts its legend at the right.
    #[must_use]
    pub fn legend_beside(mut self) -> Self {
        self.legend_beside = true;
        self
    }

    /// Widths of columns, by heading.
    #[must_use]
    pub fn widths(mut self, widths: &[(&'static str, u16)]) -> Self {
        self.widths = widths.to_vec();
        self
    }

    /// Number of decimals.
    #[must_use]
    pub fn decimals(mut self, decimals: u8) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// Minimum step.
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

    /// Its size: width in 24ths, height in rows of 30 pixels.
    #[must_use]
    pub fn size(mut self, width: u8, height: u8) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Whether its queries are instant rather than over the range.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        let over_range = self.targets.iter().any(|t| t.expr.contains("$__range"));
        over_range || matches!(self.view, View::Table | View::BarGauge)
    }
}
