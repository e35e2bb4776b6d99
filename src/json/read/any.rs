//! Messages with their type, and those that have a form of their own.

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::{Read, Reader, Step, put_text, shown};
use crate::json::ANY_DEPTH;
use crate::json::text::Cursor;
use crate::json::wire::put;
use crate::json::write::{is_well_known, known};

impl<'a> Reader<'a> {
    /// An `Any`: what it holds is read as what its `@type` says.
    pub(super) fn any(&mut self, into: &mut Vec<u8>) -> Read {
        let start = self.cursor;
        self.expect_object()?;
        let (mut url, mut value, mut keys) = (None, None, 0);
        while let Some(key) = self.cursor.key() {
            let key = self.text(key)?;
            let at = self.cursor;
            let written = self.cursor.value();
            match key.as_str() {
                "@type" => url = Some(written),
                "value" => value = Some(at),
                _ => {}
            }
            keys += 1;
        }
        let end = self.cursor;
        let Some(url) = url else {
            return match keys {
                0 => Ok(()),
                _ => Err(self.wrong("has no \"@type\", which every Any needs")),
            };
        };
        let url: String = serde_json::from_str(url)
            .map_err(|_| self.wrong("has an \"@type\" that is no string"))?;
        put_text(1, &url, into);
        let message = known(&url);
        self.anys += 1;
        if self.anys > ANY_DEPTH {
            return Err(self.wrong("is an Any inside too many others"));
        }
        let mut held = Vec::new();
        self.held(message, (start, value), keys, &url, &mut held)?;
        if !held.is_empty() {
            put(2, &held, into);
        }
        self.anys -= 1;
        self.cursor = end;
        Ok(())
    }

    /// What an `Any` with so many `keys` holds, which begins at `start`, and has
    /// a `value` perhaps.
    fn held(
        &mut self,
        message: Option<MessageDescriptor>,
        (start, value): (Cursor<'a>, Option<Cursor<'a>>),
        keys: usize,
        url: &str,
        into: &mut Vec<u8>,
    ) -> Read {
        match (message, value) {
            (Some(message), Some(at)) if is_well_known(&message) => {
                self.cursor = at;
                self.path.push(Step::Key("value".to_owned()));
                self.message(&message, into)?;
                self.path.pop();
                Ok(())
            }
            (Some(message), None) if is_well_known(&message) => {
                Err(self.wrong("has no \"value\", which one of this type needs"))
            }
            (Some(message), _) => {
                self.cursor = start;
                self.fields(&message, "@type", into)
            }
            (None, Some(at)) if keys == 2 => {
                self.cursor = at;
                self.path.push(Step::Key("value".to_owned()));
                let bytes = self.string().and_then(|text| self.base64(&text))?;
                into.extend_from_slice(&bytes);
                self.path.pop();
                Ok(())
            }
            (None, _) => Err(self.wrong(&format!(
                "is of type {:?}, which is not known here: give its bytes as base64 in \"value\"",
                shown(url)
            ))),
        }
    }

    /// A time, a duration and the like, by whoever knows how they are written.
    pub(super) fn well_known(&mut self, message: &MessageDescriptor, into: &mut Vec<u8>) -> Read {
        let written = self.cursor.value();
        let mut json = serde_json::Deserializer::from_str(written);
        match DynamicMessage::deserialize(message.clone(), &mut json) {
            Ok(read) => {
                into.extend_from_slice(&read.encode_to_vec());
                Ok(())
            }
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                let name = message.name();
                Err(self.wrong(&format!(
                    "is {}, which makes no {name}: {reason}",
                    shown(written)
                )))
            }
        }
    }
}
