//! Shares in percent, as options have them.

/// Reads a share: `30 %`, `30%` or `30`, from 0 to `most` percent.
///
/// # Errors
/// When it is none.
pub fn share(text: &str, most: f64) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=most).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("`{text}` must be a share from 0 to {most} %")),
    }
}

/// A share in percent, without digits that nobody can know.
#[must_use]
pub fn shown(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_with_and_without_their_sign() {
        for text in ["30", "30%", "30 %", " 30 % "] {
            assert_eq!(share(text, 90.0), Ok(0.3), "{text}");
        }
        for wrong in ["", "x", "-1", "95 %", "NaN"] {
            assert!(share(wrong, 90.0).is_err(), "{wrong}");
        }
        assert_eq!(shown(0.304), "30 %");
    }
}
