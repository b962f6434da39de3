//! The log: one line per event, as JSON or for people.

use std::fmt;
use std::io::IsTerminal as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::config::LogFormat;
use crate::metrics::{LOG_EVENTS, LogLevel};
use crate::request_context::{ClientAddress, current_request};

/// Starts logging to standard error.
///
/// # Errors
/// When the level is not one that tracing understands, or logging was started before.
pub fn start_logging(format: LogFormat, level: &str) -> Result<(), String> {
    // poem logs every listener and connection, which this service logs itself.
    let filter = EnvFilter::try_new(format!("poem=warn,sqlx=warn,{level}"))
        .map_err(|error| format!("LOG_LEVEL is not understood: {error}"))?;
    let pretty = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(pretty && std::io::stderr().is_terminal())
        .event_format(Line { pretty });
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(CountLines)
        .try_init()
        .map_err(|error| error.to_string())?;
    // Log panics as one line, without their message: it may contain anything.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location = location.unwrap_or_default(), "panic");
    }));
    Ok(())
}

/// Counts log lines at warn and above.
struct CountLines;

impl<S: Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match *event.metadata().level() {
            Level::WARN => LOG_EVENTS.inc(LogLevel::Warn),
            Level::ERROR => LOG_EVENTS.inc(LogLevel::Error),
            _ => {}
        }
    }
}

/// One line per event, with the id and route of the current request. tracing-subscriber's own JSON
/// format cannot take these from a task-local, and lets a field replace `level` or `target`.
struct Line {
    pretty: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let Fields(mut fields) = fields;
        let message = fields.remove("message").unwrap_or_default();
        if let Some(request) = current_request() {
            fields.insert("request_id".into(), request.id.as_str().into());
            if let Some(id) = request.client_id {
                fields.insert("client_request_id".into(), id.as_str().into());
            }
            fields.insert("http_route".into(), request.route.into());
            // Only of events, not of every line of a request.
            if fields.contains_key("event")
                && let Some(address) = request.address.and_then(ClientAddress::shown)
            {
                fields.insert("client.address".into(), address.into());
            }
        }
        let meta = event.metadata();
        let now = Clock::system().now();
        if self.pretty {
            return pretty(&mut writer, now, *meta.level(), &message, &fields);
        }
        let mut line = Map::new();
        line.insert(
            "timestamp".into(),
            now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
                .into(),
        );
        line.insert("level".into(), meta.level().as_str().to_lowercase().into());
        line.insert("target".into(), meta.target().into());
        line.insert("message".into(), message);
        // A field never replaces what is fixed.
        for (name, value) in fields {
            line.entry(name).or_insert(value);
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

fn pretty(
    writer: &mut Writer<'_>,
    now: chrono::DateTime<chrono::Utc>,
    level: Level,
    message: &Value,
    fields: &Map<String, Value>,
) -> fmt::Result {
    let (colour, plain) = if writer.has_ansi_escapes() {
        let colour = match level {
            Level::ERROR => "\x1b[31m",
            Level::WARN => "\x1b[33m",
            Level::INFO => "\x1b[32m",
            _ => "\x1b[2m",
        };
        (colour, "\x1b[0m")
    } else {
        ("", "")
    };
    write!(
        writer,
        "{} {colour}{level:>5}{plain} ",
        now.format("%H:%M:%S%.3f")
    )?;
    // Quotes only where a value would not read as one word.
    let word = |value: &Value| match value {
        Value::String(text) if !text.contains(char::is_whitespace) => text.clone(),
        other => other.to_string(),
    };
    write!(
        writer,
        "{}",
        message.as_str().unwrap_or_default().escape_debug()
    )?;
    for (name, value) in fields {
        write!(
            writer,
            " {name}={}",
            word(value).replace(char::is_control, "?")
        )?;
    }
    writeln!(writer)
}

/// Collects an event's fields.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
