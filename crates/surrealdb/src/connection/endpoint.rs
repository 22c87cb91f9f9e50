//! The address of a database.

use std::fmt;

use url::Url;

use crate::error::{DatabaseError, DatabaseResult};

/// A valid address without credentials, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    address: String,
    kind: EndpointKind,
}

/// Where the database runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    /// In a server.
    Remote,
    /// In this process.
    Embedded,
}

impl Endpoint {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidConfig`] for an address that is invalid, that contains a user or a password,
    /// or that this build does not support.
    pub(crate) fn parse(address: &str) -> DatabaseResult<Self> {
        Self::try_parse(address).map_err(DatabaseError::InvalidConfig)
    }

    /// Returns whether it is a server or embedded.
    pub(crate) fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// No error repeats the address: it may contain a password, wherever that was put.
    fn try_parse(address: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = address.split_once("://") else {
            return Err("the database address has no scheme: write ws://127.0.0.1:8000".to_string());
        };
        if address.contains(['@', '?', '#']) {
            return Err(
                "the database address contains `@`, `?` or `#`, as credentials and options would: logs and \
                 process lists show addresses, so pass a user, a password or a token as `credentials`"
                    .to_string(),
            );
        }
        match scheme {
            "ws" | "wss" | "http" | "https" => remote(address),
            "mem" | "surrealkv" => embedded(scheme, rest),
            "tikv" => {
                Err("tikv:// is the storage layer: connect to a SurrealDB server on it, with \
                           ws:// or wss://"
                    .to_string())
            }
            _ => Err("the database address has an unknown scheme: use ws://, wss://, http://, https://, \
                      mem:// or surrealkv://"
                .to_string()),
        }
    }
}

fn remote(address: &str) -> Result<Endpoint, String> {
    let url = Url::parse(address).map_err(|error| {
        format!("the database address is invalid: {error}; write ws://HOST:PORT or wss://HOST")
    })?;
    Ok(Endpoint { address: url.to_string(), kind: EndpointKind::Remote })
}

fn embedded(scheme: &str, rest: &str) -> Result<Endpoint, String> {
    if !cfg!(feature = "embedded") {
        return Err(format!(
            "{scheme}:// is an embedded database, which this program was built without: build it with \
             the feature `embedded`, or connect to a server with ws://"
        ));
    }
    if scheme == "surrealkv" && rest.is_empty() {
        return Err(
            "surrealkv:// needs the directory of the database: write surrealkv://data".to_string()
        );
    }
    Ok(Endpoint { address: format!("{scheme}://{rest}"), kind: EndpointKind::Embedded })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_addresses_are_accepted() {
        for (address, shown) in [
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/"),
            ("wss://db.example.com", "wss://db.example.com/"),
            ("http://[::1]:8000/", "http://[::1]:8000/"),
            ("https://db.example.com/rpc", "https://db.example.com/rpc"),
        ] {
            let endpoint = Endpoint::parse(address).unwrap();
            assert_eq!(
                (endpoint.to_string().as_str(), endpoint.kind()),
                (shown, EndpointKind::Remote)
            );
        }
    }

    #[test]
    fn invalid_addresses_are_refused_without_showing_secrets() {
        let credentials = "pass a user, a password or a token as `credentials`";
        for (address, expected) in [
            ("", "has no scheme"),
            ("127.0.0.1:8000", "has no scheme"),
            ("ada:hunter2@127.0.0.1", "has no scheme"),
            ("ada:hunter2", "has no scheme"),
            ("ws:ada:hunter2@127.0.0.1", "has no scheme"),
            ("ws:/ada:hunter2@127.0.0.1", "has no scheme"),
            ("ws://", "is invalid"),
            ("ws://host:port", "is invalid"),
            ("ws://ada:hunter2", "is invalid"),
            ("ws://ada:hunter2%40host", "is invalid"),
            ("ws://ada%3Ahunter2%40host", "is invalid"),
            ("ws://ada:hunter2@host:port", credentials),
            ("ws://ada:hunter2@127.0.0.1:8000", credentials),
            ("wss://ada@db.example.com", credentials),
            ("http://:hunter2@127.0.0.1:8000", credentials),
            ("ws://ada:hun@ter2@127.0.0.1:8000", credentials),
            ("ws://ada:2024/hunter2@127.0.0.1", credentials),
            ("ws://ada:2024\\hunter2@127.0.0.1", credentials),
            ("ws://ada:2024?hunter2@127.0.0.1", credentials),
            ("ws://ada:2024#hunter2@127.0.0.1", credentials),
            ("wss://db.example.com/?user=ada&pass=hunter2", credentials),
            ("wss://db.example.com/rpc#hunter2", credentials),
            ("mem://?user=ada&pass=hunter2", credentials),
            ("surrealkv://ada:hunter2@data", credentials),
            ("tikv://127.0.0.1:2379", "is the storage layer"),
            ("tikv://ada:hunter2@127.0.0.1:2379", credentials),
            ("postgres://127.0.0.1", "unknown scheme"),
            ("hunter2://127.0.0.1", "unknown scheme"),
            ("postgres://ada:hunter2@127.0.0.1", credentials),
        ] {
            let error = Endpoint::parse(address).unwrap_err().to_string();
            assert!(error.contains(expected), "{address:?}: {error}");
            for secret in ["hunter2", "ter2", "2024"] {
                assert!(!error.contains(secret), "{address:?}: {error}");
            }
        }
    }

    #[test]
    fn an_embedded_database_needs_the_feature() {
        for address in ["mem://", "surrealkv://data"] {
            let parsed = Endpoint::parse(address);
            if cfg!(feature = "embedded") {
                let endpoint = parsed.unwrap();
                let shown = endpoint.to_string();
                assert_eq!((shown.as_str(), endpoint.kind()), (address, EndpointKind::Embedded));
            } else {
                let error = parsed.unwrap_err().to_string();
                assert!(error.contains("the feature `embedded`"), "{error}");
            }
        }
    }
}
