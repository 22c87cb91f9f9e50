//! What an `init` may import while it is run ahead of time: the attached files, whose content the archive
//! determines. Everything else traps.

use std::sync::Arc;

use wasmtime::component::types::{ComponentExtern, ComponentItem};
use wasmtime::component::{
    Component, HasSelf, Linker, LinkerInstance, Resource, ResourceTable, ResourceType,
};
use wasmtime::{Result, bail, ensure};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::DirectoryEntryStream;
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

use crate::limits::MAX_HOST_RESOURCES;
use crate::package::file_tree::FileTree;
use crate::store::limiter::StoreLimiter;
use crate::wasi::files::{self, Files, FilesView};

/// The interfaces that are provided, of any version.
const PROVIDED: [&str; 5] = [
    "wasi:filesystem/types@",
    "wasi:filesystem/preopens@",
    "wasi:io/error@",
    "wasi:io/poll@",
    "wasi:io/streams@",
];

/// The data of the store in which `init` runs.
pub(super) struct PreinitHost {
    pub(super) limiter: StoreLimiter,
    files: Option<Arc<FileTree>>,
    table: ResourceTable,
    /// How often the guest asked for its directories.
    directories_asked: usize,
}

impl PreinitHost {
    pub(super) fn new(limiter: StoreLimiter, files: Option<Arc<FileTree>>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HOST_RESOURCES);
        Self { limiter, files, table, directories_asked: 0 }
    }

    /// Returns whether `init` left the handle of the root directory.
    ///
    /// # Errors
    ///
    /// When it left others. The handle's number has to be known too: it is the first, if the guest asked for
    /// it once and never gave it back.
    pub(super) fn keeps_root(&mut self) -> Result<bool> {
        if self.table.is_empty() {
            return Ok(false);
        }
        ensure!(self.directories_asked == 1, "`init` asked for its directories more than once");
        files::close_root(&mut self.table)?;
        ensure!(self.table.is_empty(), "`init` left files open");
        Ok(true)
    }
}

impl Files for PreinitHost {
    fn files(&mut self) -> FilesView<'_> {
        FilesView { tree: self.files.as_deref(), table: &mut self.table }
    }
}

impl preopens::Host for PreinitHost {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        self.directories_asked += 1;
        self.files().get_directories()
    }
}

/// Links the imports of a component.
///
/// # Errors
///
/// When it imports what cannot be replaced by a trap.
pub(super) fn link(linker: &mut Linker<PreinitHost>, component: &Component) -> Result<()> {
    files::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    preopens::add_to_linker::<_, HasSelf<_>>(linker, |host| host)?;
    linker.allow_shadowing(false);
    error::add_to_linker::<_, HasSelf<ResourceTable>>(linker, |host| &mut host.table)?;
    poll::add_to_linker::<_, HasSelf<ResourceTable>>(linker, |host| &mut host.table)?;
    streams::add_to_linker::<_, HasSelf<ResourceTable>>(linker, |host| &mut host.table)?;

    let engine = component.engine();
    let component = component.component_type();
    let mut known = Vec::new();
    for (name, import) in component.imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(interface) if is_provided(name) => {
                known.extend(interface.exports(engine).filter_map(provided_resource));
            }
            _ => {}
        }
    }
    for (name, import) in component.imports(engine).filter(|(name, _)| !is_provided(name)) {
        match import.ty {
            ComponentItem::ComponentInstance(interface) => {
                let mut instance = linker.instance(name)?;
                for (name, item) in interface.exports(engine) {
                    trap(&mut instance, name, &item.ty, &known)?;
                }
            }
            item => trap(&mut linker.root(), name, &item, &known)?,
        }
    }
    Ok(())
}

fn is_provided(interface: &str) -> bool {
    PROVIDED.iter().any(|provided| interface.starts_with(provided))
}

/// A resource as the component names it, and the type that the host has for it.
type Known = (ResourceType, ResourceType);

/// Returns a resource of a provided interface.
fn provided_resource((name, item): (&str, ComponentExtern)) -> Option<Known> {
    let ComponentItem::Resource(resource) = item.ty else { return None };
    let host = match name {
        "descriptor" => ResourceType::host::<Descriptor>(),
        "directory-entry-stream" => ResourceType::host::<DirectoryEntryStream>(),
        "error" => ResourceType::host::<wasmtime::Error>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "pollable" => ResourceType::host::<DynPollable>(),
        _ => return None,
    };
    Some((resource, host))
}

/// Defines a function that traps, or a resource that there is none of. Interfaces that use a provided
/// resource have it too, under its name.
fn trap(
    instance: &mut LinkerInstance<'_, PreinitHost>,
    name: &str,
    item: &ComponentItem,
    known: &[Known],
) -> Result<()> {
    struct Unavailable;

    match item {
        ComponentItem::ComponentFunc(_) => {
            instance.func_new(name, |_, _, _, _| bail!("`init` calls an import"))
        }
        ComponentItem::Resource(resource) => {
            let host = known.iter().find(|(known, _)| known == resource).map(|(_, host)| *host);
            let host = host.unwrap_or_else(ResourceType::host::<Unavailable>);
            instance.resource(name, host, |_, _| Ok(()))
        }
        ComponentItem::Type(_) => Ok(()),
        _ => bail!("the component imports neither functions nor types"),
    }
}
