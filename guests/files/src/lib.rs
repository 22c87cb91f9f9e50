//! The files, the environment and the arguments that a guest sees.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use surrealism::surrealism;

/// Returns the text of a file.
#[surrealism]
fn read(path: String) -> io::Result<String> {
    fs::read_to_string(path)
}

/// Returns the names in a directory, sorted.
#[surrealism]
fn list(path: String) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().display().to_string());
    let mut names = fs::read_dir(path)?.map(name).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Returns at most `length` bytes of a file as text, from an offset on; a negative one is from its end.
#[surrealism]
fn read_at(path: String, offset: i64, length: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = u64::try_from(offset).map_or(SeekFrom::End(offset), SeekFrom::Start);
    file.seek(from)?;
    io::read_to_string(file.take(length))
}

/// Reads a file as often as told, and returns how many bytes that were.
#[surrealism]
fn read_often(path: String, times: usize) -> io::Result<usize> {
    (0..times).map(|_| Ok(fs::read(&path)?.len())).sum()
}

/// Returns the error of a path that is this long.
#[surrealism]
fn read_long_path(name: String, times: usize) -> String {
    outcome(fs::read(name.repeat(times)))
}

/// Opens a file as often as told, keeps all of them open, and returns how many that were.
#[surrealism]
fn keep_open(path: String, times: usize) -> usize {
    let opened: Vec<_> = (0..times).map_while(|_| File::open(&path).ok()).collect();
    opened.len()
}

/// Returns whether a path is a file or a directory, and its size in bytes.
#[surrealism]
fn stat(path: String) -> io::Result<(String, u64)> {
    let metadata = fs::metadata(path)?;
    let kind = if metadata.is_dir() { "directory" } else { "file" };
    Ok((kind.to_string(), metadata.len()))
}

/// Tries everything that would change `hello.txt` or its directory. Returns the outcome of each attempt:
/// `ok` or the error.
#[surrealism]
fn vandalise() -> Vec<(String, String)> {
    // The only function of std for symbolic links that every target has.
    #[allow(deprecated)]
    let symlink = || fs::soft_link("hello.txt", "/symbolic.txt");

    type Attempt = fn() -> io::Result<()>;
    let attempts: [(&str, Attempt); 11] = [
        ("create", || File::create_new("/new.txt").map(drop)),
        ("overwrite", || fs::write("/hello.txt", "gone")),
        ("append", || OpenOptions::new().append(true).open("/hello.txt")?.write_all(b"more")),
        ("truncate", || OpenOptions::new().write(true).open("/hello.txt")?.set_len(0)),
        ("delete", || fs::remove_file("/hello.txt")),
        ("rename", || fs::rename("/hello.txt", "/moved.txt")),
        ("hard link", || fs::hard_link("/hello.txt", "/link.txt")),
        ("symbolic link", symlink),
        ("make directory", || fs::create_dir("/new")),
        ("remove directory", || fs::remove_dir_all("/notes")),
        ("set times", || File::open("/hello.txt")?.set_modified(std::time::SystemTime::UNIX_EPOCH)),
    ];
    attempts.map(|(what, attempt)| (what.to_string(), outcome(attempt()))).into()
}

/// Tries to read files outside the mounted directory. Returns the outcome for each path.
#[surrealism]
fn escape() -> Vec<(String, String)> {
    ["/etc/passwd", "../x", "../../etc/passwd", "/notes/../../etc/passwd", "/proc/self/environ"]
        .map(|path| (path.to_string(), outcome(fs::read(path))))
        .into()
}

/// Returns the environment variables, sorted.
#[surrealism]
fn environment() -> Vec<(String, String)> {
    let mut variables: Vec<_> = std::env::vars().collect();
    variables.sort();
    variables
}

/// Returns how many command-line arguments there are.
#[surrealism]
fn argument_count() -> usize {
    std::env::args().count()
}

fn outcome<T>(result: io::Result<T>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "ok".to_string())
}
