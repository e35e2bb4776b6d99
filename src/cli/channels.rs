//! `fanfare channels`: which channels are active.

use serde_json::json;

use super::Failure;
use super::pages::Paging;

/// The arguments of `channels`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel, or pattern of channels, to list; all of them without one.
    pattern: Option<String>,
    #[command(flatten)]
    pages: Paging,
}

impl Args {
    /// Prints each channel.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = json!({"pattern": self.pattern});
        let pages = self.pages.open("ListChannels", request).await?;
        pages.print("channels").await
    }
}
