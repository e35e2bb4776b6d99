//! `fanfare update`: change the profile of a connected member.

use serde_json::json;

use super::call::{Deadline, Target};
use super::output::Output;
use super::{Failure, exact, fields, json, render};

/// The arguments of `update`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Member whose profile to change, by the id that `fanfare members` shows.
    #[arg(value_name = "MEMBER_ID")]
    member: String,
    /// The new profile: a JSON object.
    #[arg(value_name = "JSON")]
    data: String,
    /// Change only the keys that JSON has; null removes one.
    #[arg(long)]
    merge: bool,
    /// Be refused unless this is the member's own token, from its `ready`.
    #[arg(long, value_name = "TOKEN")]
    member_token: Option<String>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

impl Args {
    /// Changes the profile, and prints the member as it is then.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let method = json::method("UpdateMember");
        let request = json!({
            "memberId": self.member,
            "data": exact::object("data", &self.data).map_err(Failure::Usage)?,
            "merge": self.merge,
            "memberToken": self.member_token,
        });
        let request = json::read(method.input(), request)?;
        let client = self.target.connect(self.deadline).await?;
        let answer = client.unary(&method, &request).await?;
        let member = fields::message(&answer, "member");
        let member =
            member.ok_or_else(|| Failure::failed("the answer has no member".to_owned()))?;
        Output::stdout().line(render::line(&member)?).await
    }
}
