//! Lists that come page by page: all of `members`, `history` and `channels`
//! that they share.

use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::call::{Client, Deadline, Target};
use super::output::Output;
use super::{Failure, fields, json, render};

/// The arguments of every list.
#[derive(Debug, clap::Args)]
pub(crate) struct Paging {
    /// Items to ask for at a time, at most 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    page_size: i32,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

/// A list, as far as it has been read.
#[derive(Debug)]
pub(crate) struct Pages {
    client: Client,
    method: MethodDescriptor,
    /// For the next page; none after the last.
    request: Option<DynamicMessage>,
    page_size: i32,
}

impl Paging {
    /// Begins the list that `method` gives for `request`, in JSON.
    pub(crate) async fn open(
        &self,
        method: &str,
        request: serde_json::Value,
    ) -> Result<Pages, Failure> {
        let method = json::method(method);
        let request = json::read(method.input(), request)?;
        Ok(Pages {
            client: self.target.connect(self.deadline).await?,
            method,
            request: Some(request),
            page_size: self.page_size,
        })
    }
}

impl Pages {
    /// The next page, with `most` items or fewer; the deadline is for each.
    pub(crate) async fn next(&mut self, most: i32) -> Result<Option<DynamicMessage>, Failure> {
        let Some(mut request) = self.request.take() else {
            return Ok(None);
        };
        let size = self.page_size.min(most);
        request.set_field_by_name("page_size", Value::I32(size));
        let page = self.client.unary(&self.method, &request).await?;
        self.request = after(request, &page);
        Ok(Some(page))
    }

    /// Prints the rest of the list, which is in the field `items`.
    pub(crate) async fn print(mut self, items: &str) -> Result<(), Failure> {
        let mut output = Output::stdout();
        while let Some(page) = self.next(i32::MAX).await? {
            for item in fields::messages(&page, items) {
                output.line(render::line(&item)?).await?;
            }
        }
        Ok(())
    }
}

/// What asks for the page after this one, if it was not the last.
fn after(mut request: DynamicMessage, page: &DynamicMessage) -> Option<DynamicMessage> {
    let token = fields::text(page, "next_page_token");
    if token.is_empty() {
        return None;
    }
    request.set_field_by_name("page_token", Value::String(token));
    Some(request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn follow(page: serde_json::Value) -> Option<String> {
        let method = json::method("GetMembers");
        let request = json!({"channel": "c", "pageToken": "s"});
        let request = json::read(method.input(), request).unwrap();
        let page = json::read(method.output(), page).unwrap();
        after(request, &page).map(|next| render::line(&next).unwrap())
    }

    #[test]
    fn the_next_page_is_asked_for_as_the_first_was() {
        let page = json!({"members": [{"id": "a"}], "nextPageToken": "t"});
        let next = r#"{"channel":"c","pageToken":"t"}"#;
        assert_eq!(follow(page).as_deref(), Some(next));
    }

    #[test]
    fn a_page_without_a_token_is_the_last_however_long() {
        assert_eq!(follow(json!({"members": [{"id": "a"}]})), None);
        assert_eq!(follow(json!({})), None);
    }
}
