//! Whether a program needs others to run: the headers of an ELF file (System V ABI, chapters 4 and 5).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The kind of a program header that names the loader.
const PT_INTERP: u32 = 3;
/// So many program headers are believed.
const HEADERS: u16 = 1024;

/// A program that runs with nothing around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticProgram {
    file: PathBuf,
    architecture: &'static str,
}

/// Why a program can't be alone in an image.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It can't be read.
    #[error("{}: can't be read: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is none for Linux.
    #[error("{}: {why}; give a program for Linux, which `.ci/static` builds", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is.
        why: &'static str,
    },
    /// It needs others.
    #[error(
        "{} is not static: it needs the loader {loader}, which an image with nothing else lacks. `.ci/static` builds a static \
         one (or `cargo rustc --release -p countersign --bin countersign -- -C target-feature=+crt-static`); give it with \
         --binary FILE",
        .file.display()
    )]
    Dynamic {
        /// The file.
        file: PathBuf,
        /// What it asks for.
        loader: String,
    },
}

impl StaticProgram {
    /// Looks whether it is one.
    ///
    /// # Errors
    /// When it is not.
    pub fn read(file: &Path) -> Result<StaticProgram, ProgramError> {
        let read = |source| ProgramError::Read { file: file.to_owned(), source };
        let mut opened = File::open(file).map_err(read)?;
        let foreign = |why| ProgramError::Foreign { file: file.to_owned(), why };
        match headers(&mut opened).map_err(read)? {
            Found::Foreign(why) => Err(foreign(why)),
            Found::Loader(loader) => Err(ProgramError::Dynamic { file: file.to_owned(), loader }),
            Found::Alone(architecture) => Ok(StaticProgram { file: file.to_owned(), architecture }),
        }
    }

    /// This program, if it is one.
    ///
    /// # Errors
    /// When it is not.
    pub fn own() -> Result<StaticProgram, ProgramError> {
        let file =
            std::env::current_exe().map_err(|source| ProgramError::Read { file: "/proc/self/exe".into(), source })?;
        StaticProgram::read(&file)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The architecture, as images call it.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }
}

enum Found {
    Foreign(&'static str),
    Loader(String),
    Alone(&'static str),
}

fn headers(file: &mut File) -> io::Result<Found> {
    let mut head = [0; 64];
    match file.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Found::Foreign("it is no program")),
        read => read?,
    }
    if head[..4] != *b"\x7fELF" {
        return Ok(Found::Foreign("it is no ELF program"));
    }
    if head[4..6] != [2, 1] {
        return Ok(Found::Foreign("it is not for a little-endian machine with 64 bits"));
    }
    let u16_at = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let u64_at = |bytes: &[u8], at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(number)
    };
    let architecture = match u16_at(&head, 18) {
        62 => "amd64",
        183 => "arm64",
        243 => "riscv64",
        _ => return Ok(Found::Foreign("it is for a machine that is not known here")),
    };
    let (at, size, count) = (u64_at(&head, 32), u16_at(&head, 54), u16_at(&head, 56));
    if size < 56 || count > HEADERS {
        return Ok(Found::Foreign("its headers make no sense"));
    }
    for number in 0..count {
        let mut header = [0; 56];
        file.seek(SeekFrom::Start(at + u64::from(number) * u64::from(size)))?;
        file.read_exact(&mut header)?;
        if u32::from_le_bytes([header[0], header[1], header[2], header[3]]) == PT_INTERP {
            let mut loader = vec![0; usize::try_from(u64_at(&header, 32).min(4096)).unwrap_or(0)];
            file.seek(SeekFrom::Start(u64_at(&header, 8)))?;
            file.read_exact(&mut loader)?;
            return Ok(Found::Loader(String::from_utf8_lossy(&loader).trim_end_matches('\0').to_owned()));
        }
    }
    Ok(Found::Alone(architecture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_needs_a_loader_is_told_from_one_that_does_not() {
        // The tests themselves may be linked either way.
        let shell = Path::new("/bin/sh");
        let error = StaticProgram::read(shell).unwrap_err().to_string();
        assert!(error.contains("is not static: it needs the loader /lib"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let mut program = std::fs::read(shell).unwrap();
        let at = usize::try_from(u64::from_le_bytes(program[32..40].try_into().unwrap())).unwrap();
        let (size, count) = (usize::from(program[54]), usize::from(program[56]));
        let header = (0..count).map(|n| at + n * size).find(|at| program[*at] == 3).unwrap();
        // No other kind of header is a loader's.
        program[header] = 4;
        let file = folder.path().join("static");
        std::fs::write(&file, &program).unwrap();
        assert_eq!(StaticProgram::read(&file).unwrap().file(), file);
    }

    #[test]
    fn what_is_no_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let error = StaticProgram::read(&file).unwrap_err().to_string();
        assert!(error.contains("text: it is no program; give a program for Linux"), "{error}");
        std::fs::write(&file, [b'x'; 100]).unwrap();
        assert!(StaticProgram::read(&file).unwrap_err().to_string().contains("it is no ELF program"));
        assert!(StaticProgram::read(&folder.path().join("none")).unwrap_err().to_string().contains("can't be read"));
    }
}
