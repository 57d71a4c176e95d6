//! The command line.

mod serve;

use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use torrentstream::config::{Cli, Command};
use torrentstream::local;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The only place where an error that ends the program is told.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let cli = Cli::load()?;
    let mut out = std::io::stdout();
    match cli.command {
        Some(Command::Probe { file, json }) => {
            let report = local::probe(&file)?;
            if json {
                serde_json::to_writer_pretty(&mut out, &report).context("cannot print")?;
                writeln!(out).context("cannot print")?;
            } else {
                write!(out, "{report}").context("cannot print")?;
            }
        }
        Some(Command::Remux { file, output }) => {
            let terminal = std::io::stderr().is_terminal();
            let mut shown = None;
            local::remux(&file, &output, |done, total| {
                let percent = done * 100 / total;
                if terminal && shown != Some(percent) {
                    let bar = "#".repeat(percent / 4);
                    let _ = write!(std::io::stderr(), "\r[{bar:<25}] {done}/{total} segments");
                    shown = Some(percent);
                }
            })?;
            if terminal {
                let _ = writeln!(std::io::stderr());
            }
            writeln!(out, "{}", output.join("master.m3u8").display()).context("cannot print")?;
        }
        Some(Command::Demo(args)) => serve::run(*args, true)?,
        None => serve::run(cli.serve, false)?,
    }
    Ok(())
}
