//! `fanfare history`: what the log of a channel still holds.

use prost_reflect::DynamicMessage;
use serde_json::json;

use super::output::{Output, note};
use super::pages::{Pages, Paging};
use super::position::{Position, in_field, to_json};
use super::{Failure, fields, render};

/// The arguments of `history`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel whose events to list.
    channel: String,
    /// List only what came after this position.
    #[arg(long, value_name = "EPOCH:SEQUENCE")]
    after: Option<Position>,
    /// List only what came before this position.
    #[arg(long, value_name = "EPOCH:SEQUENCE")]
    before: Option<Position>,
    /// List the newest first.
    #[arg(long)]
    descending: bool,
    /// List at most so many events.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    limit: Option<i32>,
    #[command(flatten)]
    pages: Paging,
}

/// What the pages said besides their events.
#[derive(Debug, Default)]
struct Told {
    /// From where to subscribe and miss nothing; the last page knows best.
    position: Option<Position>,
    /// The gap of the page before, as it was printed.
    gap: Option<String>,
}

impl Args {
    /// Prints the events, then on stderr from where to resume.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = json!({
            "channel": self.channel,
            "after": self.after.as_ref().map(to_json),
            "before": self.before.as_ref().map(to_json),
            "descending": self.descending,
        });
        let mut pages = self.pages.open("GetHistory", request).await?;
        let told = print(&mut pages, self.limit.unwrap_or(i32::MAX)).await?;
        if let Some(position) = told.position {
            note(&format!("resume from {position}")).await;
        }
        Ok(())
    }
}

/// Prints up to `left` events of the pages.
async fn print(pages: &mut Pages, mut left: i32) -> Result<Told, Failure> {
    let mut output = Output::stdout();
    let mut told = Told::default();
    while left > 0
        && let Some(page) = pages.next(left).await?
    {
        if let Some(gap) = told.take(&page)? {
            note(&format!("gap: {gap}")).await;
        }
        for event in fields::messages(&page, "events") {
            output.line(render::line(&event)?).await?;
            left -= 1;
        }
    }
    Ok(told)
}

impl Told {
    /// Keeps what a page says, and gives the gap that it is the first to tell.
    fn take(&mut self, page: &DynamicMessage) -> Result<Option<String>, Failure> {
        self.position = in_field(page, "position").or(self.position.take());
        let Some(gap) = fields::message(page, "gap") else {
            return Ok(None);
        };
        let gap = render::line(&gap)?;
        let is_new = self.gap.as_ref() != Some(&gap);
        self.gap = Some(gap.clone());
        Ok(is_new.then_some(gap))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::json;
    use super::*;

    fn page(page: Value) -> DynamicMessage {
        json::read(json::method("GetHistory").output(), page).unwrap()
    }

    fn at(sequence: u64) -> Value {
        json!({"position": {"epoch": "e", "sequence": sequence}})
    }

    #[test]
    fn the_position_of_the_last_page_is_the_one_to_resume_from() {
        for (pages, expected) in [
            (&[][..], None),
            (&[json!({})], None),
            (&[at(7)], Some("e:7")),
            (&[at(7), at(9), json!({})], Some("e:9")),
            (&[at(9), at(9)], Some("e:9")),
        ] {
            let mut told = Told::default();
            for json in pages {
                told.take(&page(json.clone())).unwrap();
            }
            let position = told.position.map(|position| position.to_string());
            assert_eq!(position.as_deref(), expected, "{pages:?}");
        }
    }

    #[test]
    fn a_gap_that_every_page_repeats_is_told_once() {
        let mut told = Told::default();
        let mut take = |through: u64| told.take(&page(json!({"gap": {"through": through}})));
        assert_eq!(take(3).unwrap().as_deref(), Some(r#"{"through":"3"}"#));
        assert_eq!(take(3).unwrap(), None);
        assert!(take(5).unwrap().is_some());
    }
}
