//! `fanfare members`: who is in a channel, page by page.

use prost_reflect::{DynamicMessage, Value};
use serde_json::json;

use super::call::{Deadline, Target};
use super::output::Output;
use super::{Failure, json, render};

/// The arguments of `members`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel whose members to list.
    channel: String,
    /// Members to ask for at a time, at most 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    page_size: i32,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

impl Args {
    /// Prints each member; the deadline holds for each page.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let method = json::method("GetMembers");
        let mut client = self.target.connect().await?;
        let mut output = Output::stdout();
        let mut token = String::new();
        loop {
            let request = self.request(&token)?;
            let page = client.unary(&method, request, self.deadline).await?;
            for member in members(&page) {
                output.line(render::line(&member)?).await?;
            }
            token = next(&page);
            if token.is_empty() {
                return Ok(());
            }
        }
    }

    fn request(&self, token: &str) -> Result<DynamicMessage, Failure> {
        let request = json!({
            "channel": self.channel,
            "pageSize": self.page_size,
            "pageToken": token,
        });
        json::read(json::method("GetMembers").input(), request)
    }
}

fn members(page: &DynamicMessage) -> Vec<DynamicMessage> {
    let field = page.get_field_by_name("members");
    let list = field
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default();
    list.iter().filter_map(Value::as_message).cloned().collect()
}

fn next(page: &DynamicMessage) -> String {
    let field = page.get_field_by_name("next_page_token");
    let token = field.as_deref().and_then(Value::as_str);
    token.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_its_members_and_the_next_token() {
        let descriptor = json::method("GetMembers").output();
        let page = json!({"members": [{"id": "a"}, {"id": "b"}], "nextPageToken": "t"});
        let page = json::read(descriptor, page).unwrap();
        let lines: Vec<_> = members(&page)
            .iter()
            .map(|member| render::line(member).unwrap())
            .collect();
        assert_eq!(lines, [r#"{"id":"a"}"#, r#"{"id":"b"}"#]);
        assert_eq!(next(&page), "t");
    }

    #[test]
    fn an_empty_page_is_the_last() {
        let page = DynamicMessage::new(json::method("GetMembers").output());
        assert!(members(&page).is_empty());
        assert_eq!(next(&page), "");
    }
}
