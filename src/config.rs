//! What the user chose: command line, environment and configuration file, in that order of precedence.

use crate::container::Container;
use crate::error::{Error, ErrorKind};
use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, parser::ValueSource};
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Plays a magnet link anywhere: HLS for browsers, HTTP ranges for VLC.
#[derive(Debug, Parser)]
#[command(name = "torrentstream", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do instead of serving torrents.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: ServeArgs,
}

const EXAMPLES: &str = "\
Examples:
  torrentstream                             serve on http://127.0.0.1:5050/
  torrentstream 'magnet:?xt=urn:btih:...'   with a torrent to begin with
  torrentstream --max-disk 20GB --keep 2d   with bounded storage
  torrentstream demo                        with a clip; needs no network

Every option can also be given in the environment (TORRENTSTREAM_MAX_DISK=20GB)
and in the file of --config (max-disk = \"20GB\"). The command line wins over the
environment, and that over the file.";

/// What to do instead of serving torrents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a clip out of a swarm inside the process: works with no network
    Demo(Box<ServeArgs>),
    /// Print what is in a local file: tracks, duration, plan
    Probe {
        /// A film
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a local file's whole HLS presentation, by the server's own code
    Remux {
        /// A film
        file: PathBuf,
        /// Folder for master.m3u8 and all it names
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        /// How segments are packed: ts or fmp4 [default: ts where the codecs fit into it]
        #[arg(long, value_name = "CONTAINER")]
        container: Option<Container>,
        /// With key pictures by themselves, for players that show them while the user looks for a place
        #[arg(long)]
        iframes: bool,
        /// Show no progress
        #[arg(short, long)]
        quiet: bool,
    },
}

/// The server's options. Each field is one option; absent means its default.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Torrents to add at start: magnet link, infohash or .torrent file
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// TCP port of the HTTP server
    #[arg(long, env = "TORRENTSTREAM_PORT", default_value_t = 5050)]
    pub port: u16,
    /// Address to listen on. Anyone who reaches it can use the server: it asks for no password yet
    #[arg(long, env = "TORRENTSTREAM_BIND", default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub bind: IpAddr,
    /// Folder for what is downloaded [default: the user's cache folder]
    #[arg(long, env = "TORRENTSTREAM_DIR")]
    pub dir: Option<PathBuf>,
    /// Configuration file (TOML) with these options by their long names
    #[arg(long, env = "TORRENTSTREAM_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// No DHT, no local discovery, no port mapping, no added trackers: only what a magnet or .torrent names
    #[arg(long, env = "TORRENTSTREAM_OFFLINE", value_parser = BoolishValueParser::new())]
    pub offline: bool,
    /// Trackers to add to torrents that are not private: a file with one a line, or addresses
    #[arg(long, env = "TORRENTSTREAM_TRACKERS", value_name = "FILE|URL,...", value_delimiter = ',')]
    pub trackers: Vec<String>,
    /// Do not add the built-in list of public trackers
    #[arg(long, env = "TORRENTSTREAM_NO_DEFAULT_TRACKERS", value_parser = BoolishValueParser::new())]
    pub no_default_trackers: bool,
    /// TCP port for peers; 0 lets the system choose
    #[arg(long, env = "TORRENTSTREAM_PEER_PORT", default_value_t = 0, value_name = "PORT")]
    pub peer_port: u16,
    /// Most that torrents may hold on disk, for example 20GB: the least recently watched go first, never one
    /// that is being watched [default: no limit]
    #[arg(long, env = "TORRENTSTREAM_MAX_DISK", value_name = "SIZE")]
    pub max_disk: Option<Size>,
    /// How long a torrent's data stays without a viewer, for example 90m, 24h, 7d
    #[arg(long, env = "TORRENTSTREAM_KEEP", default_value = "24h", value_name = "TIME")]
    pub keep: Span,
    /// How long peers are kept without a reader
    #[arg(long, env = "TORRENTSTREAM_IDLE_TIMEOUT", default_value = "30m", value_name = "TIME")]
    pub idle_timeout: Span,
    /// How long to look for a magnet's metadata
    #[arg(long, env = "TORRENTSTREAM_METADATA_TIMEOUT", default_value = "2m", value_name = "TIME")]
    pub metadata_timeout: Span,
    /// How long a request waits while no byte arrives
    #[arg(long, env = "TORRENTSTREAM_STALL_TIMEOUT", default_value = "60s", value_name = "TIME")]
    pub stall_timeout: Span,
    /// Memory for finished segments; 0 switches the cache off
    #[arg(long, env = "TORRENTSTREAM_SEGMENT_CACHE", default_value = "256MB", value_name = "SIZE")]
    pub segment_cache: Size,
    /// Name key pictures in every multivariant playlist, for players that show them while the user looks for a
    /// place: each look costs pieces out of the swarm
    #[arg(long, env = "TORRENTSTREAM_IFRAMES", value_parser = BoolishValueParser::new())]
    pub iframes: bool,
    /// Origins whose pages may use the server, each as SCHEME://HOST; * stands for all
    #[arg(
        long,
        env = "TORRENTSTREAM_CORS",
        value_name = "ORIGIN,...",
        value_delimiter = ',',
        default_value = "*"
    )]
    pub cors: Vec<String>,
    /// What to log: error, warn, info, debug, trace, or a filter as in RUST_LOG
    #[arg(long, env = "TORRENTSTREAM_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// Bytes: a number with an optional unit (KB, MB, GB, TB by 1000; KiB, MiB, GiB, TiB by 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// A length of time: a number with a unit (s, m, h, d); without one, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// Splits "12.5GB" into its number and its unit.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let number: f64 = number.parse().ok()?;
    Some((number, unit.trim()))
}

impl FromStr for Size {
    type Err = &'static str;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "give a size such as 500MB, 20GB or 16GiB";
        let (number, unit) = number_and_unit(text).ok_or(HELP)?;
        let factor: f64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "t" | "tb" => 1e12,
            "kib" => 1024.0,
            "mib" => 1024.0 * 1024.0,
            "gib" => 1024.0 * 1024.0 * 1024.0,
            "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return Err(HELP),
        };
        Ok(Self((number * factor) as u64))
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "give a time such as 90s, 30m, 24h or 7d";
        let (number, unit) = number_and_unit(text).ok_or(HELP)?;
        let factor = match unit {
            "" | "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(HELP),
        };
        Duration::try_from_secs_f64(number * factor).map(Self).map_err(|_| HELP)
    }
}

/// The configuration file: the same names and values as on the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct ConfigFile {
    sources: Option<Vec<String>>,
    port: Option<u16>,
    bind: Option<IpAddr>,
    dir: Option<PathBuf>,
    offline: Option<bool>,
    trackers: Option<Vec<String>>,
    no_default_trackers: Option<bool>,
    peer_port: Option<u16>,
    #[serde(deserialize_with = "parsed")]
    max_disk: Option<Size>,
    #[serde(deserialize_with = "parsed")]
    keep: Option<Span>,
    #[serde(deserialize_with = "parsed")]
    idle_timeout: Option<Span>,
    #[serde(deserialize_with = "parsed")]
    metadata_timeout: Option<Span>,
    #[serde(deserialize_with = "parsed")]
    stall_timeout: Option<Span>,
    #[serde(deserialize_with = "parsed")]
    segment_cache: Option<Size>,
    iframes: Option<bool>,
    cors: Option<Vec<String>>,
    log: Option<String>,
}

/// A value that is written as on the command line; a bare number is taken as well.
fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err = &'static str>>(de: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Value {
        Text(String),
        Number(u64),
    }
    let text = match Value::deserialize(de)? {
        Value::Text(text) => text,
        Value::Number(number) => number.to_string(),
    };
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Cli {
    /// Reads the command line (`std::env::args_os`), the environment and, if one is named, the file.
    /// Ends the process for `--help`, `--version` and wrong usage, as clap does.
    ///
    /// # Errors
    /// `BadRequest` when the configuration file cannot be read or says something unknown.
    pub fn load() -> Result<Self, Error> {
        let matches = Self::command().get_matches();
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let (serve, matches) = match &mut cli.command {
            None => (&mut cli.serve, &matches),
            Some(Command::Demo(serve)) => match matches.subcommand_matches("demo") {
                Some(matches) => (&mut **serve, matches),
                None => return Ok(cli),
            },
            Some(_) => return Ok(cli),
        };
        if let Some(path) = &serve.config {
            let wrong = |cause: Box<dyn std::error::Error + Send + Sync>| {
                let message = format!("cannot use the configuration file {}", path.display());
                Error::new(ErrorKind::BadRequest, message).caused_by(cause)
            };
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.into()))?;
            let file: ConfigFile = toml::from_str(&text).map_err(|error| wrong(error.into()))?;
            let chosen = |option: &str| {
                matches!(
                    matches.value_source(option),
                    Some(ValueSource::CommandLine | ValueSource::EnvVariable)
                )
            };
            serve.fill_from(file, chosen);
        }
        Ok(cli)
    }
}

impl ServeArgs {
    /// Takes from the file what was not `chosen` in a stronger place.
    fn fill_from(&mut self, file: ConfigFile, chosen: impl Fn(&str) -> bool) {
        fn set<T>(target: &mut T, value: Option<impl Into<T>>, chosen: bool) {
            if let (Some(value), false) = (value, chosen) {
                *target = value.into();
            }
        }
        set(&mut self.sources, file.sources, chosen("sources"));
        set(&mut self.port, file.port, chosen("port"));
        set(&mut self.bind, file.bind, chosen("bind"));
        set(&mut self.dir, file.dir, chosen("dir"));
        set(&mut self.offline, file.offline, chosen("offline"));
        set(&mut self.trackers, file.trackers, chosen("trackers"));
        set(&mut self.no_default_trackers, file.no_default_trackers, chosen("no_default_trackers"));
        set(&mut self.peer_port, file.peer_port, chosen("peer_port"));
        set(&mut self.max_disk, file.max_disk, chosen("max_disk"));
        set(&mut self.keep, file.keep, chosen("keep"));
        set(&mut self.idle_timeout, file.idle_timeout, chosen("idle_timeout"));
        set(&mut self.metadata_timeout, file.metadata_timeout, chosen("metadata_timeout"));
        set(&mut self.stall_timeout, file.stall_timeout, chosen("stall_timeout"));
        set(&mut self.segment_cache, file.segment_cache, chosen("segment_cache"));
        set(&mut self.iframes, file.iframes, chosen("iframes"));
        set(&mut self.cors, file.cors, chosen("cors"));
        set(&mut self.log, file.log, chosen("log"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_and_times() {
        assert_eq!("20GB".parse(), Ok(Size(20_000_000_000)));
        assert_eq!("1.5 GiB".parse(), Ok(Size(1_610_612_736)));
        assert_eq!("0".parse(), Ok(Size(0)));
        assert!("GB".parse::<Size>().is_err() && "5 parsecs".parse::<Size>().is_err());
        assert!("1.2.3MB".parse::<Size>().is_err() && "-5MB".parse::<Size>().is_err());
        assert_eq!("24h".parse(), Ok(Span(Duration::from_secs(86_400))));
        assert_eq!("90".parse(), Ok(Span(Duration::from_secs(90))));
        assert!("h".parse::<Span>().is_err() && "5y".parse::<Span>().is_err());
        assert!("99999999999999999999999d".parse::<Span>().is_err());
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let cli = Cli::command().get_matches_from(["torrentstream", "--port", "1"]);
        let mut serve = ServeArgs::from_arg_matches(&cli).unwrap();
        let file: ConfigFile =
            toml::from_str("port = 2\nkeep = \"3h\"\nmax-disk = 5000\nbind = \"::1\"\noffline = true")
                .unwrap();
        serve.fill_from(file, |option| option == "port");
        assert_eq!((serve.port, serve.keep.0.as_secs()), (1, 10_800));
        assert_eq!((serve.max_disk, serve.offline), (Some(Size(5000)), true));
        assert_eq!(serve.bind, "::1".parse::<IpAddr>().unwrap());
        assert!(toml::from_str::<ConfigFile>("prot = 2").is_err());
        assert!(toml::from_str::<ConfigFile>("keep = \"soon\"").is_err());
    }
}
