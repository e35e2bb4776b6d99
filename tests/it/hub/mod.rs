//! What the hub promises, by its public doors: no gRPC, and time that is
//! paused wherever it matters.
//!
//! That these tests would find a bug was tried by planting some, one at a time:
//!
//! | planted | found by |
//! |---|---|
//! | marks after the number | `order`: a hundred channels, real threads |
//! | heads above the number loaded are taken | the same |
//! | no limit to a merge | `order`, `gaps`, `history` |
//! | a place not put back, or put back too early | `order`, `leaving`, `observers` |
//! | the cursor off by one at a gap | `gaps`, `history`, `observers` |
//! | a gap told when its end is reached | `gaps`, `history` |
//! | the position raised past what is left | `order`, `history` |
//! | echo inverted | `choice`, and the log's own tests |
//! | an observer marked twice when it attaches | `observers`, `history` |
//! | an observer that forgets what was lost, or from where | `observers`, `history` |
//! | a closing channel marks nobody | `observers`, `history` |
//! | the node's dropped number not raised | `observers`, `history` |
//! | waiting lists never purged, streams not forgotten | `leaving`, `history` |
//! | the budget never asked, or sparing nobody | `room`, `gaps` |
//! | a stall seen by marks alone | `stall` |
//! | the end before the rest | `leaving` |

mod support;

mod choice;
mod gaps;
mod history;
mod leaving;
mod members;
mod observers;
mod order;
mod requests;
mod room;
mod stall;
