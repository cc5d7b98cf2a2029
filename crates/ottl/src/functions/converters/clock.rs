//! Times and durations.

use std::time::{SystemTime, UNIX_EPOCH};

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::time::{Time, duration, layout, parse};
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const TIME: &[super::super::Parameter] = &[needs("time", Kind::Time)];
const DURATION: &[super::super::Parameter] = &[needs("duration", Kind::Duration)];

pub(super) const FUNCTIONS: [Function; 24] = [
    converter("Now", &[], now),
    converter(
        "Time",
        &[
            needs("time", Kind::Text),
            needs("format", Kind::Layout),
            may("location", Kind::Text),
            may("locale", Kind::Text),
        ],
        time,
    ),
    converter(
        "FormatTime",
        &[needs("time", Kind::Time), needs("format", Kind::Layout)],
        format_time,
    ),
    converter(
        "TruncateTime",
        &[needs("time", Kind::Time), needs("duration", Kind::Duration)],
        truncate_time,
    ),
    converter("Unix", &[needs("seconds", Kind::Int), may("nanoseconds", Kind::Int)], unix),
    converter("UnixSeconds", TIME, unix_seconds),
    converter("UnixMilli", TIME, unix_milli),
    converter("UnixMicro", TIME, unix_micro),
    converter("UnixNano", TIME, unix_nano),
    converter("Year", TIME, year),
    converter("Month", TIME, month),
    converter("Day", TIME, day),
    converter("Hour", TIME, hour),
    converter("Minute", TIME, minute),
    converter("Second", TIME, second),
    converter("Nanosecond", TIME, nanosecond),
    converter("Weekday", TIME, weekday),
    converter("Duration", &[needs("duration", Kind::Text)], to_duration),
    converter("Hours", DURATION, hours),
    converter("Minutes", DURATION, minutes),
    converter("Seconds", DURATION, seconds),
    converter("Milliseconds", DURATION, milliseconds),
    converter("Microseconds", DURATION, microseconds),
    converter("Nanoseconds", DURATION, nanoseconds),
];

/// The clock of the machine: what upstream gives, and what texts compare the times of spans with.
#[expect(clippy::disallowed_methods, reason = "the language asks for the time of day")]
fn now<'v>(_: &Args<'_, 'v>) -> Evaluated<'v> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i128::try_from(since.as_nanos()).unwrap_or(i128::MAX);
    Ok(Value::Time(Time::utc(nanos)))
}

fn time<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    if text.is_empty() {
        return Err(args.refused("the time is empty"));
    }
    let pieces = layout::pieces(&args.text(1)?).map_err(|error| args.refused(error))?;
    let location = args.text_or(2, "")?;
    let offset = offset_of(&location)
        .ok_or_else(|| args.refused(format_args!("location {location:?} is not known here")))?;
    let locale = args.text_or(3, "en")?;
    if !locale.starts_with("en") {
        return Err(args.refused(format_args!("locale {locale:?} is not known here")));
    }
    parse(&text, &pieces, offset).map(Value::Time).map_err(|error| args.refused(error))
}

/// Seconds ahead of UTC. The machine is taken to be in UTC, and places on earth, which would need a database,
/// are not known.
fn offset_of(location: &str) -> Option<i32> {
    match location {
        "" | "UTC" | "GMT" | "Etc/UTC" | "Local" => Some(0),
        offset => {
            let pieces = layout::pieces(if offset.contains(':') { "%j" } else { "%z" }).ok()?;
            parse(offset, &pieces, 0).ok().map(|time| time.offset_seconds)
        }
    }
}

fn format_time<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let pieces = layout::pieces(&args.text(1)?).map_err(|error| args.refused(error))?;
    Ok(Value::owned(layout::format(args.time(0)?, &pieces)))
}

/// Rounds down to a multiple of the duration since the year 1, as in Go.
fn truncate_time<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (time, unit) = (args.time(0)?, args.duration(1)?);
    if unit <= 0 {
        return Ok(Value::Time(time));
    }
    let year_one = 62_135_596_800_i128 * 1_000_000_000;
    let over = (time.unix_nanos + year_one).rem_euclid(unit.into());
    Ok(Value::Time(time.plus(-over)))
}

fn unix<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let nanos = i128::from(args.int(0)?) * 1_000_000_000 + i128::from(args.int_or(1, 0)?);
    Ok(Value::Time(Time::utc(nanos)))
}

fn in_units<'v>(args: &Args<'_, 'v>, nanos: i128) -> Evaluated<'v> {
    let units = args.time(0)?.unix_nanos.div_euclid(nanos);
    i64::try_from(units).map(Value::Int).map_err(|_| args.refused("the time does not fit 64 bits"))
}

fn unix_seconds<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    in_units(args, 1_000_000_000)
}

fn unix_milli<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    in_units(args, 1_000_000)
}

fn unix_micro<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    in_units(args, 1_000)
}

fn unix_nano<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    in_units(args, 1)
}

fn year<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().year))
}

fn month<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().month.into()))
}

fn day<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().day.into()))
}

fn hour<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().hour.into()))
}

fn minute<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().minute.into()))
}

fn second<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().second.into()))
}

fn nanosecond<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().nanosecond.into()))
}

/// From Sunday, which is 0.
fn weekday<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.time(0)?.civil().weekday.into()))
}

fn to_duration<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let nanos = duration::parse(&text);
    nanos.map(Value::Duration).ok_or_else(|| args.refused(format_args!("{text:?} is no duration")))
}

#[expect(clippy::cast_precision_loss, reason = "durations in units have fractions")]
fn fractions<'v>(args: &Args<'_, 'v>, nanos: i64) -> Evaluated<'v> {
    let duration = args.duration(0)?;
    let (whole, part) = (duration / nanos, duration % nanos);
    Ok(Value::Double(whole as f64 + part as f64 / nanos as f64))
}

fn hours<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    fractions(args, 3_600_000_000_000)
}

fn minutes<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    fractions(args, 60_000_000_000)
}

fn seconds<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    fractions(args, 1_000_000_000)
}

fn milliseconds<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.duration(0)? / 1_000_000))
}

fn microseconds<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.duration(0)? / 1_000))
}

fn nanoseconds<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Int(args.duration(0)?))
}
