//! An `init` that does with the attached files what `/mode.txt` says.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use surrealism::surrealism;

const WORDS: &str = "/words.txt";

static FOUND: OnceLock<String> = OnceLock::new();
static OPEN: Mutex<Option<File>> = Mutex::new(None);

/// Keeps what it found.
#[surrealism(init)]
fn start() -> io::Result<()> {
    let mode = fs::read_to_string("/mode.txt").unwrap_or_else(|error| error.to_string());
    let found = match mode.as_str() {
        "read" => fs::read_to_string(WORDS)?,
        "read often" => {
            for _ in 0..1_000 {
                fs::read(WORDS)?;
            }
            fs::read_to_string(WORDS)?
        }
        "list" => {
            let names =
                fs::read_dir("/")?.map(|entry| Ok(entry?.file_name().into_string().unwrap()));
            names.collect::<io::Result<Vec<_>>>()?.join(" ")
        }
        "look" => format!("{} {}", fs::metadata(WORDS)?.len(), fs::metadata("/")?.is_dir()),
        "seek" => {
            let mut file = File::open(WORDS)?;
            file.seek(SeekFrom::End(-6))?;
            io::read_to_string(file)?
        }
        "miss" => fs::read("/nowhere.txt").unwrap_err().to_string(),
        "write" => fs::write(WORDS, "gone").unwrap_err().to_string(),
        "leave open" => {
            let mut file = File::open(WORDS)?;
            let mut first = [0; 4];
            file.read_exact(&mut first)?;
            *OPEN.lock().unwrap() = Some(file);
            String::from_utf8_lossy(&first).into_owned()
        }
        "print" => {
            println!("init");
            mode
        }
        "fail" => return Err(io::Error::other("no")),
        "time" => format!("{}", SystemTime::now() > SystemTime::UNIX_EPOCH),
        _ => mode,
    };
    FOUND.get_or_init(|| found);
    Ok(())
}

/// Returns what `init` found, and what is left of a file that it left open.
#[surrealism]
fn found() -> io::Result<Vec<String>> {
    let mut found = vec![FOUND.get().cloned().unwrap_or_default()];
    if let Some(file) = OPEN.lock().unwrap().as_mut() {
        let mut rest = String::new();
        file.read_to_string(&mut rest)?;
        found.push(rest);
    }
    Ok(found)
}

/// Returns the text of a file.
#[surrealism]
fn read(path: String) -> io::Result<String> {
    fs::read_to_string(path)
}
