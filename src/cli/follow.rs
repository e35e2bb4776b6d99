//! What comes of `subscribe`: each frame as it came, and with `--follow` the
//! returns after every cut.
//!
//! The library keeps the one number and comes back; a frame is printed before
//! the next is asked for, so whatever a return skips was printed. Until the
//! first `ready` any failure ends it: a wrong address is no cut.

use fanfare::client::{Cut, Following, Raw};
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message as _;
use tokio_stream::StreamExt as _;

use super::call::{Target, decoded};
use super::output::{Output, note};
use super::{Failure, json, render};

/// Prints the frames of `request` until the first cut.
pub(crate) async fn print(target: &Target, request: &DynamicMessage) -> Result<(), Failure> {
    let frames = target.lazy()?.follow(request.encode_to_vec())?;
    print_all(target, frames.once()).await
}

/// Prints the frames of `request` and of every return after a cut. It ends
/// only with a failure that a return would meet again.
pub(crate) async fn follow(target: &Target, request: &DynamicMessage) -> Result<(), Failure> {
    print_all(target, target.lazy()?.follow(request.encode_to_vec())?).await
}

async fn print_all(target: &Target, mut frames: Following) -> Result<(), Failure> {
    let method = json::method("Subscribe");
    let mut output = Output::stdout();
    let mut returns = false;
    while let Some(told) = frames.next().await {
        match told {
            Ok(Raw::Frame(frame)) => {
                let frame = decoded(&method, frame)?;
                output.line(render::line(&frame)?).await?;
                if std::mem::take(&mut returns)
                    && let Some(position) = frames.position()
                {
                    note(&format!("resumed after {position}")).await;
                }
            }
            Ok(Raw::Cut(cut)) => {
                returns = true;
                note(&said(cut)).await;
            }
            Err(error) if frames.position().is_none() => return Err(target.failure(error)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn said(cut: Cut) -> String {
    // Nobody reads a fraction of a millisecond.
    let millis = u64::try_from(cut.wait.as_millis()).unwrap_or(u64::MAX);
    let wait = humantime::format_duration(std::time::Duration::from_millis(millis));
    format!(
        "reconnecting in {wait}: {}",
        Failure::from(cut.error).reason()
    )
}
