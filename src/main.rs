//! The program `imsimta-exporter`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    imsimta_exporter::cli::main()
}
