//! The attached files of an archive, in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::limits::{MAX_FILE_NAME_BYTES, MAX_GUEST_PATH_BYTES};

/// A tree of files and directories that does not change once it is built.
#[derive(Debug)]
pub(crate) struct FileTree {
    /// The root directory first.
    nodes: Vec<Node>,
}

/// A file or a directory.
#[derive(Debug)]
pub(crate) enum Node {
    File(Bytes),
    Directory(BTreeMap<Box<str>, NodeId>),
}

/// Refers to a node of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

impl NodeId {
    pub(crate) const ROOT: Self = Self(0);

    /// Returns a number that no other node of the tree has.
    pub(crate) fn number(self) -> u64 {
        self.0 as u64
    }
}

/// The reason why a path of a guest leads to no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathError {
    NotFound,
    /// Something that the path goes through is a file.
    NotADirectory,
    /// The path is absolute, or goes above the directory that it begins in.
    Escapes,
    TooLong,
}

impl Default for FileTree {
    fn default() -> Self {
        Self { nodes: vec![Node::Directory(BTreeMap::new())] }
    }
}

impl FileTree {
    /// Adds a directory, and those above it. One that is there already stays.
    ///
    /// # Errors
    ///
    /// When a part of the path is a file, or a name is too long.
    pub(super) fn add_directory(&mut self, path: &str) -> Result<NodeId> {
        let mut directory = NodeId::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            directory = match self.child(directory, name) {
                Some(child) if matches!(self.node(child), Node::Directory(_)) => child,
                Some(_) => bail!("{name:?} is a file, and a directory is expected"),
                None => self.insert(directory, name, Node::Directory(BTreeMap::new()))?,
            };
        }
        Ok(directory)
    }

    /// Adds a file, and the directories above it.
    ///
    /// # Errors
    ///
    /// When the path exists, a part of it is a file, or a name is too long.
    pub(super) fn add_file(&mut self, path: &str, content: Bytes) -> Result<()> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.add_directory(parent)?;
        ensure!(self.child(directory, name).is_none(), "{name:?} exists already");
        self.insert(directory, name, Node::File(content))?;
        Ok(())
    }

    fn insert(&mut self, directory: NodeId, name: &str, node: Node) -> Result<NodeId> {
        ensure!(
            name.len() <= MAX_FILE_NAME_BYTES,
            "a name takes {} bytes, and {MAX_FILE_NAME_BYTES} are allowed",
            name.len()
        );
        let id = NodeId(self.nodes.len());
        if let Node::Directory(entries) = &mut self.nodes[directory.0] {
            entries.insert(name.into(), id);
        }
        self.nodes.push(node);
        Ok(id)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    fn child(&self, directory: NodeId, name: &str) -> Option<NodeId> {
        match self.node(directory) {
            Node::Directory(entries) => entries.get(name).copied(),
            Node::File(_) => None,
        }
    }

    /// Returns the node at a guest's path, which begins in a directory and must not leave it.
    ///
    /// # Errors
    ///
    /// As POSIX has them for a directory that is opened with `openat`.
    pub(crate) fn resolve(&self, directory: NodeId, path: &str) -> Result<NodeId, PathError> {
        if path.len() > MAX_GUEST_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        if path.is_empty() {
            return Err(PathError::NotFound);
        }
        if path.starts_with('/') {
            return Err(PathError::Escapes);
        }
        let mut above = Vec::new();
        let mut node = directory;
        for name in path.split('/') {
            // A name after a file, be it `.` or empty, asks for a directory.
            let Node::Directory(entries) = self.node(node) else {
                return Err(PathError::NotADirectory);
            };
            match name {
                "" | "." => {}
                ".." => node = above.pop().ok_or(PathError::Escapes)?,
                name if name.len() > MAX_FILE_NAME_BYTES => return Err(PathError::TooLong),
                name => {
                    above.push(node);
                    node = *entries.get(name).ok_or(PathError::NotFound)?;
                }
            }
        }
        Ok(node)
    }

    /// Returns the entry of a directory that follows a name; `None` is before the first.
    pub(crate) fn entry_after(
        &self,
        directory: NodeId,
        name: Option<&str>,
    ) -> Option<(&str, NodeId)> {
        let Node::Directory(entries) = self.node(directory) else { return None };
        let after = name.map_or(Bound::Unbounded, Bound::Excluded);
        let (name, id) = entries.range::<str, _>((after, Bound::Unbounded)).next()?;
        Some((name, *id))
    }

    /// Returns the paths of all nodes but the root, each directory before what it holds.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (String, &Node)> {
        let mut waiting = self.entries(NodeId::ROOT, "");
        std::iter::from_fn(move || {
            let (path, id) = waiting.pop()?;
            waiting.extend(self.entries(id, &format!("{path}/")));
            Some((path, self.node(id)))
        })
    }

    /// Returns the entries of a directory in the reverse order of their names, with a prefix.
    fn entries(&self, directory: NodeId, prefix: &str) -> Vec<(String, NodeId)> {
        let Node::Directory(entries) = self.node(directory) else { return Vec::new() };
        entries.iter().rev().map(|(name, id)| (format!("{prefix}{name}"), *id)).collect()
    }

    /// Returns the SHA-256 of everything that a guest can see.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (path, node) in self.walk() {
            let (kind, content): (u8, &[u8]) = match node {
                Node::File(content) => (b'f', content),
                Node::Directory(_) => (b'd', &[]),
            };
            digest.update([kind]);
            for part in [path.as_bytes(), content] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::default();
        for (path, content) in files {
            tree.add_file(path, content.to_string().into()).unwrap();
        }
        tree
    }

    #[test]
    fn paths_resolve_as_posix_has_it() {
        use PathError::{Escapes, NotADirectory, NotFound, TooLong};

        let tree = tree(&[("a/b/c.txt", "c"), ("d", "d")]);
        let a = tree.resolve(NodeId::ROOT, "a").unwrap();
        let long_name = "x".repeat(MAX_FILE_NAME_BYTES + 1);
        let long_path = "a/../".repeat(MAX_GUEST_PATH_BYTES / 5 + 1);
        for (from, path, expected) in [
            (NodeId::ROOT, ".", Ok("")),
            (NodeId::ROOT, "./a/./b//c.txt", Ok("a/b/c.txt")),
            (NodeId::ROOT, "a/../d", Ok("d")),
            (NodeId::ROOT, "a/b/", Ok("a/b")),
            (NodeId::ROOT, "a/b/..", Ok("a")),
            (a, "b/c.txt", Ok("a/b/c.txt")),
            (NodeId::ROOT, "", Err(NotFound)),
            (NodeId::ROOT, "e", Err(NotFound)),
            (NodeId::ROOT, "e/../d", Err(NotFound)),
            (NodeId::ROOT, "d/", Err(NotADirectory)),
            (NodeId::ROOT, "d/.", Err(NotADirectory)),
            (NodeId::ROOT, "d/../a", Err(NotADirectory)),
            (NodeId::ROOT, "..", Err(Escapes)),
            (NodeId::ROOT, "a/../../d", Err(Escapes)),
            (NodeId::ROOT, "/d", Err(Escapes)),
            (a, "../d", Err(Escapes)),
            (NodeId::ROOT, long_name.as_str(), Err(TooLong)),
            (NodeId::ROOT, long_path.as_str(), Err(TooLong)),
        ] {
            let expected = expected.map(|path| match path {
                "" => NodeId::ROOT,
                path => tree.resolve(NodeId::ROOT, path).unwrap(),
            });
            assert_eq!(tree.resolve(from, path), expected, "{path:.40}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let mut tree = tree(&[("a/b", "")]);
        let long = "x".repeat(MAX_FILE_NAME_BYTES + 1);
        for path in ["a", "a/b", "a/b/c", &long, &format!("{long}/c")] {
            tree.add_file(path, Bytes::new()).unwrap_err();
        }
        tree.add_directory("a/b").unwrap_err();
        assert_eq!(tree.walk().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "a/b"]);
    }

    #[test]
    fn entries_are_listed_in_order() {
        let names: Vec<String> = (0..100).map(|n| format!("{n:02}")).collect();
        let mut tree = FileTree::default();
        for name in names.iter().rev() {
            tree.add_file(name, Bytes::new()).unwrap();
        }
        let mut listed: Vec<String> = Vec::new();
        while let Some((name, _)) =
            tree.entry_after(NodeId::ROOT, listed.last().map(String::as_str))
        {
            listed.push(name.to_string());
        }
        assert_eq!(listed, names);
    }

    #[test]
    fn different_trees_have_different_digests() {
        let mut trees = vec![
            tree(&[]),
            tree(&[("a", "")]),
            tree(&[("a", "b")]),
            tree(&[("ab", "")]),
            tree(&[("a/b", "")]),
            tree(&[("a", ""), ("b", "")]),
        ];
        let mut directory = FileTree::default();
        directory.add_directory("a").unwrap();
        trees.push(directory);
        let digests: std::collections::HashSet<_> = trees.iter().map(FileTree::digest).collect();
        assert_eq!(digests.len(), trees.len());
        assert_eq!(tree(&[("a", ""), ("b", "")]).digest(), tree(&[("b", ""), ("a", "")]).digest());
    }
}
