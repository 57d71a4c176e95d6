//! The command line.

mod serve;

use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use torrentstream::config::{Cli, Command};
use torrentstream::local::{self, Bar, RemuxOptions};

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
            let mut bar = bar();
            let report = local::probe(&file, &mut |progress| bar.show(&progress))?;
            bar.end();
            if json {
                serde_json::to_writer_pretty(&mut out, &report).context("cannot print")?;
                writeln!(out).context("cannot print")?;
            } else {
                write!(out, "{report}").context("cannot print")?;
            }
        }
        Some(Command::Remux { file, output, container, iframes, quiet }) => {
            let mut bar = (!quiet).then(bar);
            let options = RemuxOptions { container, iframes };
            local::remux(&file, &output, &options, &mut |progress| {
                if let Some(bar) = &mut bar {
                    bar.show(&progress);
                }
            })?;
            drop(bar);
            writeln!(out, "{}", output.join("master.m3u8").display()).context("cannot print")?;
        }
        Some(Command::Demo(args)) => serve::run(*args, true)?,
        None => serve::run(cli.serve, false)?,
    }
    Ok(())
}

/// Shows progress where errors are told, so that results can be piped.
fn bar() -> Bar<std::io::Stderr> {
    let out = std::io::stderr();
    let terminal = out.is_terminal();
    Bar::new(out, terminal)
}
