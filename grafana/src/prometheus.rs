//! A client of Prometheus' HTTP API.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::Value;

use crate::Result;

/// Request timeout.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Prometheus server.
#[derive(Clone, Debug)]
pub struct Prometheus {
    client: Client,
    base: String,
}

/// One series of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Times in seconds since the epoch, and values.
    pub points: Vec<(f64, f64)>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its series; a scalar is one without labels.
    pub series: Vec<Series>,
    /// Prometheus' warnings about the query.
    pub warnings: Vec<String>,
}

impl Answer {
    /// The first value of the first series.
    #[must_use]
    pub fn first(&self) -> Option<f64> {
        let point = self.series.first()?.points.first()?;
        Some(point.1)
    }
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, Deserialize)]
pub struct ActiveAlert {
    /// Its labels, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// Its texts.
    pub annotations: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub state: String,
}

impl ActiveAlert {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels
            .get("alertname")
            .map(String::as_str)
            .unwrap_or_default()
    }
}

/// A rule and its health.
#[derive(Clone, Debug, Deserialize)]
pub struct RuleState {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub query: String,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// The last error.
    #[serde(rename = "lastError", default)]
    pub error: String,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Prometheus {
    /// The server at this address.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: &str) -> Result<Self> {
        Ok(Self {
            client: Client::builder().timeout(PATIENCE).build()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Its address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether it is ready for queries.
    pub async fn is_ready(&self) -> bool {
        let answer = self
            .client
            .get(format!("{}/-/ready", self.base))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn ask(&self, path: &str, form: &[(&str, String)]) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.base);
        let request = if form.is_empty() {
            self.client.get(url)
        } else {
            self.client.post(url).form(form)
        };
        let answer: Value = request.send().await?.json().await?;
        if answer["status"] == "success" {
            return Ok(answer);
        }
        Err(answer["error"].as_str().unwrap_or("no answer").into())
    }

    /// The value of an expression at a time.
    ///
    /// # Errors
    /// With Prometheus' message.
    pub async fn query(&self, expr: &str, at: f64) -> Result<Answer> {
        let form = [("query", expr.to_owned()), ("time", at.to_string())];
        answer(&self.ask("query", &form).await?)
    }

    /// The values of an expression over a time range, with this step in seconds.
    ///
    /// # Errors
    /// With Prometheus' message.
    pub async fn query_range(&self, expr: &str, from: f64, to: f64, step: f64) -> Result<Answer> {
        let form = [
            ("query", expr.to_owned()),
            ("start", from.to_string()),
            ("end", to.to_string()),
            ("step", step.to_string()),
        ];
        answer(&self.ask("query_range", &form).await?)
    }

    /// All rules.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn rules(&self) -> Result<Vec<RuleState>> {
        let json = self.ask("rules", &[]).await?;
        let groups = json["data"]["groups"].as_array().into_iter().flatten();
        let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
        rules
            .map(|rule| Ok(serde_json::from_value(rule.clone())?))
            .collect()
    }

    /// The alerts that are pending or firing.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>> {
        let json = self.ask("alerts", &[]).await?;
        Ok(serde_json::from_value(json["data"]["alerts"].clone())?)
    }

    /// The alerts that are firing.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn firing(&self) -> Result<Vec<ActiveAlert>> {
        let mut alerts = self.alerts().await?;
        alerts.retain(|alert| alert.state == "firing");
        Ok(alerts)
    }
}

fn answer(json: &Value) -> Result<Answer> {
    let data = &json["data"];
    let result = &data["result"];
    let series = match data["resultType"].as_str() {
        Some("matrix") => result
            .as_array()
            .into_iter()
            .flatten()
            .map(|series| one(series, series["values"].as_array().into_iter().flatten()))
            .collect::<Result<_>>()?,
        Some("vector") => result
            .as_array()
            .into_iter()
            .flatten()
            .map(|series| one(series, std::iter::once(&series["value"])))
            .collect::<Result<_>>()?,
        Some("scalar") => vec![Series {
            labels: BTreeMap::new(),
            points: vec![point(result)?],
        }],
        other => return Err(format!("a result of the type {other:?}").into()),
    };
    let warnings = json["warnings"].as_array().into_iter().flatten();
    Ok(Answer {
        series,
        warnings: warnings.map(ToString::to_string).collect(),
    })
}

fn one<'a>(series: &Value, points: impl Iterator<Item = &'a Value>) -> Result<Series> {
    Ok(Series {
        labels: serde_json::from_value(series["metric"].clone())?,
        points: points.map(point).collect::<Result<_>>()?,
    })
}

fn point(value: &Value) -> Result<(f64, f64)> {
    let time = value[0].as_f64().ok_or("a point without a time")?;
    let text = value[1].as_str().ok_or("a point without a value")?;
    let value = match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse()?,
    };
    Ok((time, value))
}
