//! `wasi:filesystem`, read-only, over the attached files of a module.
//!
//! wasmtime's own implementation opens files of the system, each on another thread. This one replaces it: it
//! reads [`FileTree`], so a call neither blocks nor waits.

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};
use wasmtime::{Result, ensure};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types::ErrorCode};
use wasmtime_wasi::p2::bindings::io::streams;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    self, Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, InputStream, Pollable, StreamError,
    StreamResult,
};

use crate::limits::MAX_FILE_READ_BYTES;
use crate::package::file_tree::{FileTree, Node, NodeId, PathError};

/// Replaces wasmtime's implementation of the interface.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker<T: Files + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<T, HasFiles>(linker, T::files)?;
    preopens::add_to_linker::<T, HasFiles>(linker, T::files)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Store data that serves attached files.
pub(crate) trait Files {
    fn files(&mut self) -> FilesView<'_>;
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = FilesView<'a>;
}

/// The attached files, and the handles that the guest has to them.
pub(crate) struct FilesView<'a> {
    /// `None` for a module without files.
    pub(crate) tree: Option<&'a FileTree>,
    pub(crate) table: &'a mut ResourceTable,
}

/// The table's entry behind a guest's `descriptor`.
struct OpenNode(NodeId);

/// The table's entry behind a guest's `directory-entry-stream`.
struct Listing {
    directory: NodeId,
    /// The name that the guest got last.
    last: Option<Box<str>>,
}

/// The rest of a file.
struct FileStream(Bytes);

impl InputStream for FileStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.0.is_empty() {
            return Err(StreamError::Closed);
        }
        Ok(self.0.split_to(size.min(self.0.len()).min(MAX_FILE_READ_BYTES)))
    }
}

#[async_trait]
impl Pollable for FileStream {
    async fn ready(&mut self) {}
}

impl From<PathError> for FsError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::NotFound => ErrorCode::NoEntry,
            PathError::NotADirectory => ErrorCode::NotDirectory,
            PathError::Escapes => ErrorCode::NotPermitted,
            PathError::TooLong => ErrorCode::NameTooLong,
        }
        .into()
    }
}

impl<'a> FilesView<'a> {
    fn node_id(&self, descriptor: &Resource<Descriptor>) -> FsResult<NodeId> {
        let open = Resource::<OpenNode>::new_borrow(descriptor.rep());
        Ok(self.table.get(&open)?.0)
    }

    /// Returns the tree, which every descriptor is of.
    fn tree(&self) -> FsResult<&'a FileTree> {
        self.tree.ok_or_else(|| ErrorCode::BadDescriptor.into())
    }

    fn node(&self, descriptor: &Resource<Descriptor>) -> FsResult<&'a Node> {
        Ok(self.tree()?.node(self.node_id(descriptor)?))
    }

    fn content(&self, descriptor: &Resource<Descriptor>) -> FsResult<&'a Bytes> {
        match self.node(descriptor)? {
            Node::File(content) => Ok(content),
            Node::Directory(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    fn resolve(&self, descriptor: &Resource<Descriptor>, path: &str) -> FsResult<NodeId> {
        Ok(self.tree()?.resolve(self.node_id(descriptor)?, path)?)
    }

    /// Opens the root directory, for an instance that has the first handle already.
    pub(crate) fn open_root(&mut self) -> Result<Resource<Descriptor>, ResourceTableError> {
        self.open(NodeId::ROOT)
    }

    fn open(&mut self, node: NodeId) -> Result<Resource<Descriptor>, ResourceTableError> {
        Ok(Resource::new_own(self.table.push(OpenNode(node))?.rep()))
    }

    /// Returns the error of a method that would change something.
    fn refuse<T>(&self, descriptor: &Resource<Descriptor>) -> FsResult<T> {
        self.node_id(descriptor)?;
        Err(ErrorCode::ReadOnly.into())
    }
}

/// Closes the root directory, if it is the first resource of a table.
///
/// # Errors
///
/// When it is not.
pub(crate) fn close_root(table: &mut ResourceTable) -> Result<()> {
    let OpenNode(node) = table.delete(Resource::new_own(0))?;
    ensure!(node == NodeId::ROOT, "the first resource is not the root directory");
    Ok(())
}

fn kind(node: &Node) -> DescriptorType {
    match node {
        Node::File(_) => DescriptorType::RegularFile,
        Node::Directory(_) => DescriptorType::Directory,
    }
}

/// Returns what is known of a node. An archive has no times.
fn stat(node: &Node) -> DescriptorStat {
    let size = match node {
        Node::File(content) => content.len() as u64,
        Node::Directory(_) => 0,
    };
    DescriptorStat {
        type_: kind(node),
        link_count: 1,
        size,
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

fn hash(node: NodeId) -> MetadataHashValue {
    MetadataHashValue { lower: node.number(), upper: 0 }
}

/// Returns the bytes of a file from an offset on.
fn content_from(content: &Bytes, offset: Filesize) -> Bytes {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    content.slice(offset.min(content.len())..)
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        match self.tree {
            Some(_) => Ok(vec![(self.open_root()?, "/".to_string())]),
            None => Ok(Vec::new()),
        }
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<types::ErrorCode> {
        Ok(error.downcast()?.into())
    }

    /// Returns `None`: a stream of a file cannot fail.
    fn filesystem_error_code(
        &mut self,
        error: Resource<streams::Error>,
    ) -> Result<Option<types::ErrorCode>> {
        self.table.get(&error)?;
        Ok(None)
    }
}

impl HostDescriptor for FilesView<'_> {
    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        let rest = content_from(self.content(&descriptor)?, offset);
        let stream: DynInputStream = Box::new(FileStream(rest));
        Ok(self.table.push(stream)?)
    }

    fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        let rest = content_from(self.content(&descriptor)?, offset);
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_FILE_READ_BYTES);
        let read = rest.slice(..length.min(rest.len()));
        Ok((read.to_vec(), read.len() == rest.len()))
    }

    fn read_directory(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let directory = self.node_id(&descriptor)?;
        if let Node::File(_) = self.tree()?.node(directory) {
            return Err(ErrorCode::NotDirectory.into());
        }
        let listing = self.table.push(Listing { directory, last: None })?;
        Ok(Resource::new_own(listing.rep()))
    }

    fn open_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
            || flags.contains(DescriptorFlags::WRITE)
        {
            return self.refuse(&descriptor);
        }
        let node = self.resolve(&descriptor, &path)?;
        if let (true, Node::File(_)) =
            (open.contains(OpenFlags::DIRECTORY), self.tree()?.node(node))
        {
            return Err(ErrorCode::NotDirectory.into());
        }
        Ok(self.open(node)?)
    }

    fn get_flags(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.node_id(&descriptor)?;
        Ok(DescriptorFlags::READ)
    }

    fn get_type(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorType> {
        Ok(kind(self.node(&descriptor)?))
    }

    fn stat(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        Ok(stat(self.node(&descriptor)?))
    }

    fn stat_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let node = self.resolve(&descriptor, &path)?;
        Ok(stat(self.tree()?.node(node)))
    }

    fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> Result<bool> {
        Ok(self.node_id(&one)? == self.node_id(&other)?)
    }

    fn metadata_hash(&mut self, descriptor: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        Ok(hash(self.node_id(&descriptor)?))
    }

    fn metadata_hash_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        Ok(hash(self.resolve(&descriptor, &path)?))
    }

    /// Returns an error: there are no links.
    fn readlink_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.resolve(&descriptor, &path)?;
        Err(ErrorCode::Invalid.into())
    }

    fn advise(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: Filesize,
        _: Filesize,
        _: Advice,
    ) -> FsResult<()> {
        self.content(&descriptor).map(drop)
    }

    fn sync_data(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.node_id(&descriptor).map(drop)
    }

    fn sync(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.node_id(&descriptor).map(drop)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.refuse(&descriptor)
    }

    fn append_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.refuse(&descriptor)
    }

    fn set_size(&mut self, descriptor: Resource<Descriptor>, _: Filesize) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn set_times(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn write(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: Vec<u8>,
        _: Filesize,
    ) -> FsResult<Filesize> {
        self.refuse(&descriptor)
    }

    fn create_directory_at(&mut self, descriptor: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn set_times_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn link_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn remove_directory_at(&mut self, descriptor: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn rename_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn symlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _: String,
        _: String,
    ) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn unlink_file_at(&mut self, descriptor: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.refuse(&descriptor)
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> Result<()> {
        self.table.delete(Resource::<OpenNode>::new_own(descriptor.rep()))?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let tree = self.tree()?;
        let listing = self.table.get_mut(&Resource::<Listing>::new_borrow(stream.rep()))?;
        let Some((name, node)) = tree.entry_after(listing.directory, listing.last.as_deref())
        else {
            return Ok(None);
        };
        listing.last = Some(name.into());
        Ok(Some(DirectoryEntry { type_: kind(tree.node(node)), name: name.to_string() }))
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        self.table.delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}
