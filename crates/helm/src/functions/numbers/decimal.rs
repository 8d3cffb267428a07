//! Decimal numbers as shopspring/decimal keeps them: an integer and a power of ten.

use super::super::args::Outcome;
use super::to_float;
use gotemplate::{FuncError, Value};
use num_bigint::{BigInt, Sign};

/// Digits after the point in a quotient.
const DIVISION_DIGITS: i64 = 16;

/// `digits · 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

/// Converts all values and folds them from the left.
pub(super) fn fold_decimals(
    values: &[Value],
    combine: impl Fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>,
) -> Outcome {
    let mut result: Option<Decimal> = None;
    for value in values {
        let next = Decimal::from_float(to_float(value))?;
        result = Some(match result {
            None => next,
            Some(result) => combine(&result, &next)?,
        });
    }
    Ok(Value::Float64(result.map_or(0.0, |decimal| decimal.to_float())))
}

impl Decimal {
    /// The shortest decimal that reads as the float.
    fn from_float(number: f64) -> Result<Self, FuncError> {
        if !number.is_finite() {
            let shown = match number {
                f64::INFINITY => "+Inf",
                f64::NEG_INFINITY => "-Inf",
                _ => "NaN",
            };
            return Err(FuncError::new(format!("Cannot create a Decimal from {shown}")));
        }
        let text = format!("{number:e}"); // digits with a point after the first, and an exponent
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
        let exponent = exponent.parse::<i64>().unwrap_or_default();
        Ok(Self {
            digits: mantissa.replace('.', "").parse().unwrap_or_default(),
            exponent: exponent - i64::try_from(fraction.len()).unwrap_or_default(),
        })
    }

    /// The nearest float, or an infinity.
    fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or_default()
    }

    /// Both with the smaller exponent of the two.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |decimal: &Self| &decimal.digits * power(decimal.exponent - exponent);
        (scaled(self), scaled(other), exponent)
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let (a, b, exponent) = self.aligned(other);
        Self { digits: a + b, exponent }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let (a, b, exponent) = self.aligned(other);
        Self { digits: a - b, exponent }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    /// The quotient to sixteen digits after the point, rounded half away from zero.
    pub(super) fn divided_by(&self, other: &Self) -> Result<Self, FuncError> {
        if other.digits.sign() == Sign::NoSign {
            return Err("decimal division by 0".into());
        }
        let shift = self.exponent - other.exponent + DIVISION_DIGITS;
        let dividend = &self.digits * power(shift.max(0));
        let divisor = &other.digits * power((-shift).max(0));
        let remainder: BigInt = &dividend % &divisor;
        let mut digits: BigInt = &dividend / &divisor;
        if remainder.magnitude() * 2_u8 >= *divisor.magnitude() {
            if dividend.sign() == divisor.sign() {
                digits += 1;
            } else {
                digits -= 1;
            }
        }
        Ok(Self { digits, exponent: -DIVISION_DIGITS })
    }
}

fn power(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or_default())
}
