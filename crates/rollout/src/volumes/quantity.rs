//! Kubernetes' quantities, as far as sizes of volumes have them.

/// Bytes of a quantity (`8Gi`, `1.5G`, `100M`, `1e9`), rounded up; none where it is not one.
pub(super) fn bytes(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("m", 0.001),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let text = text.trim();
    let unit = UNITS
        .iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)));
    let (number, factor) = unit.unwrap_or((text, 1.0));
    let number: f64 = number.parse().ok()?;
    let bytes = (number * factor).ceil();
    // Sizes are far below where a float has no room for every integer's neighbours to matter.
    #[allow(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (bytes.is_finite() && (0.0..9e18).contains(&bytes)).then_some(bytes as i64)
}
