//! Numbers as people read them.

/// Three digits that count, or all before the point, in groups of three; no
/// zeros at the end.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs().max(1e-9).log10().floor();
    let decimals = [4, 3, 2, 1]
        .into_iter()
        .zip([-2.0, -1.0, 0.0, 1.0])
        .find_map(|(decimals, up_to)| (magnitude <= up_to).then_some(decimals));
    let text = format!("{value:.*}", decimals.unwrap_or(0));
    match text.split_once('.') {
        Some((whole, part)) => match part.trim_end_matches('0') {
            "" => whole.to_owned(),
            part => format!("{whole}.{part}"),
        },
        None => grouped(&text),
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        if at > 0 && left.is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
