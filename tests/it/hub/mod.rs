//! What the hub promises, by its public doors: no gRPC, and time that is
//! paused wherever it matters.
//!
//! That these tests would find a bug was tried by planting some, one at a time:
//!
//! | planted | found by |
//! |---|---|
//! | marks after the number | `order`: a hundred channels, real threads |
//! | heads above the number loaded are taken | the same |
//! | no limit to a merge | `order`, `gaps`, `lives` |
//! | a place not put back, or put back too early | `order`, `leaving`, `observers` |
//! | the cursor off by one at a gap | `gaps`, `lives`, `observers` |
//! | a gap told when its end is reached | `gaps`, `lives` |
//! | the position raised past what is left | `order`, `lives` |
//! | echo inverted | `choice`, and the log's own tests |
//! | an observer marked twice when it attaches | `observers`, `lives` |
//! | an observer that forgets what was lost, or from where | `observers`, `lives` |
//! | a closing channel marks nobody | `observers`, `lives` |
//! | the node's dropped number not raised | `observers`, `lives` |
//! | waiting lists never purged, streams not forgotten | `leaving`, `lives` |
//! | the budget never asked, or sparing nobody | `room`, `gaps` |
//! | a stall seen by marks alone | `stall` |
//! | the end before the rest | `leaving` |
//! | a wake dropped after an event | `order`, `leaving`, `lives` |
//! | a wake dropped after a change, or of a watcher by an event | `presence`, `lives` |
//! | the cursor off by one in the log, at `After` or at `Since` | `starts`, `lives` |
//! | a list's number loaded before its lock, or after it | `races`, the latter in one run of two |
//! | a change past the number loaded | `races` |
//! | a changed list handed out as it was | `lists`; `lives` by never ending |
//! | a list that is gone not begun anew, or kept for ever | `lists` |
//! | a list for a watcher that has missed nothing | `presence` |
//! | the dropped number read before the joins | `races` |
//! | a stream told of new channels while it is taken out of the interest | `races` |
//! | an older channel of a name put in a newer one's place | `races` |
//! | the dropped number lowered, or not where a channel begins | `observers`, `starts`, `lives` |
//! | a strict stream told what left as it joined | `lives`, on threads, in one run of three |
//! | the position of `Last` and `Since` past what comes | `starts`, `lives` |
//! | one more or one less of `Last`; `Since` after, not at | `starts`, `lives` |
//! | the gaps of the start, or its position, not told | `starts`, `lives` |
//! | the last pattern decides | `patterns`, `lives` |
//! | a name or a pattern looked for before it is watched | `lives`, on threads |
//! | a channel attached from 0 | `patterns`, `lives` |
//! | a channel counted and not forgotten, or with another filter | `identity`, `lives` |
//! | the grace forgotten, or given for an older turn | `identity`, `lives` |
//! | a stream not replaced, or only after the rest | `identity`, `lives` |
//! | a place not kept by who comes back | `identity`, `lives` |
//! | an update that reaches no channel, or is not one step | `identity` |
//! | a place not released, at a close, at a cut, at a refusal | `patterns`, `identity`, `lives` |
//! | a limit told after the rest | `patterns` |
//! | a position past what a strict stream lost | `lives` |
//! | a page: its order, end, gap, floor or next | `queries` |
//! | a position before what is on the page | the hub's own tests |
//! | the last rule that matches | `queries` |
//! | an interest left behind | the hub's own tests, `leaving`, `observers` |
//! | everybody woken by what few take | `choice`, `observers` |
//! | what sleepers passed not told them | `choice`, `observers` |
//!
//! And of streams that join and leave while they are open:
//!
//! | planted | found by |
//! |---|---|
//! | a place withdrawn that was not there, or not withdrawn | `lives`, `turning` |
//! | a slot that was left never let go of | `turning` |
//! | what takes over begins at the newest number, or anew | `lives` |
//! | what takes over not marked, or not at all | `lives` |
//! | a leave or a join that does not take in its mail | `lives` |
//! | a text taken out of the interest after its mail is in | `turning` |
//! | a channel not counted anew that came by another text | `turning` |
//! | the old filter still counted, or the new one not | `lives`, `turning` |
//! | `from` loaded after joining, one too low, or the newest | `lives` |
//! | a rank given twice; the last pattern decides | `lives` |
//! | a member that does not leave, or has no place it joined | `lives`, `turning` |
//! | a replaced stream that joins | `lives`, in steps |
//! | a refusal that keeps places, interests or channels | `turning` |
//! | a place kept by what is left, or by what is taken over | `turning`, `lives` |
//! | a watch that goes on, or begins without a list | `lives` |
//! | a list that goes on where it is not watched any more | `lives` |
//! | the policy of the text before | `lives` |
//! | a name kept for a slot that was left | `lives` |
//! | what the text before had passed comes by the next | `turning` |

pub(crate) mod support;

mod choice;
mod gaps;
mod identity;
mod leaving;
mod lists;
pub(crate) mod lives;
mod members;
mod observers;
mod order;
mod patterns;
mod presence;
mod queries;
mod races;
mod requests;
mod room;
mod stall;
mod starts;
mod turning;
