//! Why a host function failed: what the guest gets to know, and what its caller does.

use std::sync::Arc;

use super::StoreData;
use crate::denied::Denied;
use crate::egress::EgressFailure;
use crate::error::{Error, ErrorKind, GuestError};
use crate::module::HostErrors;
use crate::observer::EventKind;
use crate::text::bounded;

/// Why a host function failed.
pub(super) enum Failure {
    /// The guest gets the text.
    Guest(GuestError),
    /// The guest gets the text, and its caller what is missing.
    Denied(Denied),
    /// Only the caller gets the error.
    Host(anyhow::Error),
}

impl From<GuestError> for Failure {
    fn from(error: GuestError) -> Self {
        Self::Guest(error)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// Sorts an error of a context: it is the host's own, unless it or one of its causes is for the guest.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let error = match error.downcast::<GuestError>() {
            Ok(error) => return Self::Guest(error),
            Err(error) => error,
        };
        for cause in error.chain() {
            if let Some(error) = cause.downcast_ref::<GuestError>() {
                return Self::Guest(error.clone());
            }
            if let Some(denied) = cause.downcast_ref::<Denied>() {
                return Self::Denied(denied.clone());
            }
        }
        Self::Host(error)
    }
}

/// The last failure of a host function in a call that its caller should learn about.
pub(crate) struct HostFailure {
    /// What the guest was told.
    text: String,
    cause: HostCause,
}

#[derive(Clone)]
enum HostCause {
    Denied(Denied),
    Host(Arc<anyhow::Error>),
}

impl StoreData {
    /// Keeps the failure for the caller, and returns the text for the guest.
    #[cold]
    pub(super) fn record_failure(&mut self, function: &str, failure: Failure) -> String {
        let (text, cause) = match failure {
            Failure::Guest(error) => return error.to_string(),
            Failure::Denied(denied) => {
                self.observers.tell(EventKind::Denied(&denied));
                (denied.to_string(), HostCause::Denied(denied))
            }
            Failure::Host(error) => {
                let text = match self.module.host_errors {
                    HostErrors::Private => {
                        format!("`{function}` failed because of an error in the host")
                    }
                    HostErrors::ToGuest => bounded(format_args!("{error:#}")),
                };
                (text, HostCause::Host(Arc::new(error)))
            }
        };
        self.host_failure = Some(HostFailure { text: text.clone(), cause });
        text
    }

    /// Returns what the guest's error is about: a failure of the host, if it repeats what the guest was told
    /// of one, or else what `kind` makes of its text.
    pub(crate) fn guest_error(
        &self,
        guest_text: String,
        explained: String,
        kind: impl FnOnce(String) -> ErrorKind,
    ) -> Error {
        match self.host_failure.as_ref().filter(|failure| guest_text.contains(&failure.text)) {
            Some(HostFailure { cause: HostCause::Denied(denied), .. }) => {
                Error::call(ErrorKind::Denied(denied.clone()), explained)
            }
            Some(HostFailure { cause: HostCause::Host(error), .. }) => {
                Error::call(ErrorKind::Host, explained).with_source(error.clone())
            }
            None => match self.refused_connection(&guest_text) {
                Some(denied) => Error::call(ErrorKind::Denied(denied), explained),
                None => Error::call(kind(guest_text), explained),
            },
        }
    }

    /// Returns the refusal of a connection, if that was the guest's last use of the network and its error
    /// says so. WASI tells a guest no more than that something is denied, as do the languages above it:
    /// `access-denied`, `HttpRequestDenied`, `Permission denied`.
    fn refused_connection(&self, guest_text: &str) -> Option<Denied> {
        match self.egress_failure()? {
            EgressFailure::Denied(denied) if guest_text.to_lowercase().contains("denied") => {
                Some(denied)
            }
            _ => None,
        }
    }

    /// Returns the host's own error, if the guest's text repeats what it was told of it.
    pub(crate) fn host_error_in(&self, guest_text: &str) -> Option<Arc<anyhow::Error>> {
        match &self.host_failure {
            Some(HostFailure { text, cause: HostCause::Host(error) })
                if guest_text.contains(text) =>
            {
                Some(error.clone())
            }
            _ => None,
        }
    }
}
