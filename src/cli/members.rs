//! `fanfare members`: who is in a channel.

use serde_json::json;

use super::Failure;
use super::pages::Paging;

/// The arguments of `members`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel whose members to list.
    channel: String,
    #[command(flatten)]
    pages: Paging,
}

impl Args {
    /// Prints each member.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = json!({"channel": self.channel});
        let pages = self.pages.open("GetMembers", request).await?;
        pages.print("members").await
    }
}
