//! Where a database is.

use std::fmt;

use url::Url;

use crate::error::{DatabaseError, DatabaseResult};

/// An address that can be connected to, and that can be shown: it has no password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    address: String,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Remote,
    /// In this process.
    Embedded,
}

impl Endpoint {
    /// # Errors
    ///
    /// [`DatabaseError::InvalidConfig`] for what is no address, what this build cannot reach, and an address
    /// with a user or a password in it.
    pub(crate) fn parse(address: &str) -> DatabaseResult<Self> {
        Self::understand(address).map_err(DatabaseError::InvalidConfig)
    }

    fn understand(address: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = address.split_once("://") else {
            return Err(format!(
                "{:?} is no address of a database: it needs a scheme, as in ws://127.0.0.1:8000",
                unsecret(address)
            ));
        };
        match scheme {
            "ws" | "wss" | "http" | "https" => remote(address),
            "mem" | "surrealkv" => embedded(scheme, rest),
            "tikv" => Err("tikv:// is the storage of a cluster, not its door: give the ws:// or \
                           wss:// address of a SurrealDB server that runs on it"
                .to_string()),
            _ => Err(format!(
                "{scheme}:// is no address of a database: use ws://, wss://, http://, https://, \
                 mem:// or surrealkv://"
            )),
        }
    }
}

fn remote(address: &str) -> Result<Endpoint, String> {
    let url = Url::parse(address)
        .map_err(|error| format!("{:?} is no address: {error}", unsecret(address)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "the address {:?} has credentials in it, where logs and lists of processes show them: \
             take them out, and give them as credentials",
            unsecret(address)
        ));
    }
    Ok(Endpoint { address: url.to_string(), place: Place::Remote })
}

fn embedded(scheme: &str, rest: &str) -> Result<Endpoint, String> {
    if !cfg!(feature = "embedded") {
        return Err(format!(
            "{scheme}:// is a database inside this process, and this program was built without one: \
             build it with the feature `embedded`, or give the ws:// address of a server"
        ));
    }
    if scheme == "surrealkv" && rest.is_empty() {
        return Err("surrealkv:// needs the folder to keep the database in, as in \
                    surrealkv://data"
            .to_string());
    }
    Ok(Endpoint { address: format!("{scheme}://{rest}"), place: Place::Embedded })
}

/// An address as it may be shown, whether it is one or not: without what stands before an `@`.
fn unsecret(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
            format!("{scheme}…@{host}")
        }
        None => address.to_string(),
    }
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
    fn addresses_of_servers_are_taken_as_they_are() {
        for (address, shown) in [
            ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/"),
            ("wss://db.example.com", "wss://db.example.com/"),
            ("http://[::1]:8000/", "http://[::1]:8000/"),
            ("https://db.example.com/rpc", "https://db.example.com/rpc"),
        ] {
            let endpoint = Endpoint::parse(address).unwrap();
            assert_eq!((endpoint.to_string().as_str(), endpoint.place), (shown, Place::Remote));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_shows_no_secret() {
        for (address, expected) in [
            ("", "needs a scheme"),
            ("127.0.0.1:8000", "needs a scheme"),
            ("ada:hunter2@127.0.0.1", "needs a scheme"),
            ("ws://", "is no address"),
            ("ws://host:port", "is no address"),
            ("ws://ada:hunter2@host:port", "is no address"),
            ("ws://ada:hunter2@127.0.0.1:8000", "has credentials in it"),
            ("wss://ada@db.example.com", "has credentials in it"),
            ("http://:hunter2@127.0.0.1:8000", "has credentials in it"),
            ("ws://ada:hun@ter2@127.0.0.1:8000", "has credentials in it"),
            ("tikv://127.0.0.1:2379", "not its door"),
            ("postgres://ada:hunter2@127.0.0.1", "postgres:// is no address of a database"),
        ] {
            let error = Endpoint::parse(address).unwrap_err().to_string();
            assert!(error.contains(expected), "{address:?}: {error}");
            for secret in ["hunter2", "ter2@"] {
                assert!(!error.contains(secret), "{address:?}: {error}");
            }
        }
    }

    #[test]
    fn a_database_inside_the_process_needs_the_feature() {
        for address in ["mem://", "surrealkv://data"] {
            let parsed = Endpoint::parse(address);
            if cfg!(feature = "embedded") {
                let endpoint = parsed.unwrap();
                let shown = endpoint.to_string();
                assert_eq!((shown.as_str(), endpoint.place), (address, Place::Embedded));
            } else {
                let error = parsed.unwrap_err().to_string();
                assert!(error.contains("the feature `embedded`"), "{error}");
            }
        }
    }
}
