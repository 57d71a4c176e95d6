//! Starting the server, its parts in order, and ending it.

use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use torrentstream::config::ServeArgs;
use torrentstream::http::{self, App};
use torrentstream::playback::{PlaybackOptions, Playbacks};
use torrentstream::torrent::{self, InfoHash, Magnet, Source, TorrentOptions, Torrents, seed, trackers};
use tracing_subscriber::EnvFilter;

/// The clip that `demo` seeds.
const DEMO: &[u8] = include_bytes!("../fixtures/demo.mp4");
/// A .torrent file larger than this is none.
const MAX_TORRENT_FILE: u64 = 16 << 20;
/// What is logged unless the user says otherwise: our own events, and of the engine only what went wrong.
/// (warp calls every connection that a client breaks off an error, and those are no news.)
const DEFAULT_LOG: &str = "warn,warp=off,torrentstream=info";

/// Serves until a signal, or until something is wrong that cannot be mended.
pub(crate) fn run(args: ServeArgs, demo: bool) -> anyhow::Result<()> {
    start_log(args.log.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let result = runtime.block_on(serve(args, demo));
    // A thread that still hashes or writes must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

/// Events go to stderr, one a line.
fn start_log(filter: Option<&str>) -> anyhow::Result<()> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let chosen = filter.map(str::to_owned).or(from_environment);
    let filter = match chosen.as_deref() {
        None | Some("") => EnvFilter::new(DEFAULT_LOG),
        // A bare level is meant for this program, not for every library in it.
        Some(level) if level.parse::<tracing::Level>().is_ok() => {
            EnvFilter::new(format!("warn,warp=off,torrentstream={level}"))
        }
        Some(filter) => EnvFilter::try_new(filter).with_context(|| format!("log filter {filter:?}"))?,
    };
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).init();
    Ok(())
}

async fn serve(mut args: ServeArgs, demo: bool) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    end_on_signal(shutdown.clone())?;

    // The port first: when it is taken, nothing else should have been touched.
    let listener = http::bind(SocketAddr::new(args.bind, args.port))
        .with_context(|| format!("cannot listen on port {}; choose another with --port", args.port))?;
    let address = listener.local_addr().context("the listener has no address")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "everyone who can reach this address can use the server");
    }

    let mut sources =
        args.sources.drain(..).map(|text| parse_source(&text)).collect::<Result<Vec<_>, _>>()?;
    let seeder = if demo {
        args.offline = true;
        let seeder = seed::seed(seed::Content::single("torrentstream demo.mp4", DEMO)).await?;
        sources.push(Source::Magnet(Magnet::parse(&seeder.magnet())?));
        Some(seeder)
    } else {
        None
    };
    let dir = match args.dir.take() {
        Some(dir) => dir,
        None if demo => std::env::temp_dir().join(format!("torrentstream-demo-{}", std::process::id())),
        None => cache_dir()?,
    };
    // Starting may take a while (a list of trackers, data of an earlier run); Ctrl-C ends that as well.
    let torrents = tokio::select! {
        biased;
        () = shutdown.cancelled() => return Ok(()),
        started = start_torrents(&args, &dir, shutdown.clone()) => started?,
    };
    for source in sources {
        torrents.add(source)?;
    }

    let playbacks = Playbacks::new(PlaybackOptions {
        segment_cache_bytes: args.segment_cache.0,
        ..PlaybackOptions::default()
    });
    let _ = writeln!(std::io::stdout(), "torrentstream is at http://{address}/ (Ctrl-C ends it)");
    let app = App::new(torrents.clone(), playbacks, shutdown.clone())
        .with_origins(args.cors.clone())
        .with_iframes(args.iframes);
    // Both at once: each has its limit, and together they must stay below two seconds.
    let http = async {
        let result = http::serve(listener, app, shutdown.clone()).await;
        shutdown.cancel();
        result
    };
    let torrents = async {
        shutdown.cancelled().await;
        torrents.stop().await;
    };
    let (result, ()) = tokio::join!(http, torrents);
    drop(seeder);
    if demo {
        // Ours, and empty by now; whatever somebody else has put there keeps it.
        let _ = std::fs::remove_dir(&dir);
    }
    tracing::info!("ended");
    Ok(result?)
}

async fn start_torrents(
    args: &ServeArgs,
    dir: &Path,
    shutdown: CancellationToken,
) -> anyhow::Result<Torrents> {
    torrent::tls::install();
    let mut injected = Vec::new();
    if !args.offline {
        if !args.no_default_trackers {
            injected = trackers::default_list();
        }
        injected.extend(trackers::load(&args.trackers).await?);
    }
    let peers = match (args.offline, args.peer_port) {
        (_, 0) => None,
        (true, port) => Some(SocketAddr::from(([127, 0, 0, 1], port))),
        (false, port) => Some(SocketAddr::from(([0; 8], port))),
    };
    let options = TorrentOptions {
        dir: dir.to_owned(),
        offline: args.offline,
        trackers: injected,
        max_disk: args.max_disk.map(|size| size.0),
        keep: args.keep.0,
        idle_timeout: args.idle_timeout.0,
        metadata_timeout: args.metadata_timeout.0,
        stall_timeout: args.stall_timeout.0,
        listen: peers,
    };
    tracing::info!(dir = %dir.display(), trackers = options.trackers.len(), offline = args.offline, "starting");
    Ok(Torrents::start(options, shutdown).await?)
}

/// The user's cache folder.
fn cache_dir() -> anyhow::Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "torrentstream");
    Ok(dirs.context("no home folder is known; say where to put data with --dir")?.cache_dir().to_owned())
}

/// A magnet link, an infohash, or the path of a .torrent file.
fn parse_source(text: &str) -> anyhow::Result<Source> {
    if text.trim_start().to_ascii_lowercase().starts_with("magnet:") {
        return Ok(Source::Magnet(Magnet::parse(text).with_context(|| text.to_owned())?));
    }
    if let Ok(info_hash) = text.trim().parse::<InfoHash>() {
        return Ok(Source::InfoHash(info_hash));
    }
    let what = || format!("{text} is no magnet link, no infohash, and no .torrent file that can be read");
    let metadata = std::fs::metadata(text).with_context(what)?;
    anyhow::ensure!(metadata.len() <= MAX_TORRENT_FILE, "{text} is too large for a .torrent file");
    Ok(Source::TorrentFile(std::fs::read(text).with_context(what)?.into()))
}

/// Ctrl-C and SIGTERM end the server in order; a second one ends the process at once.
fn end_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    let wait = async move {
        for forced in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if forced {
                std::process::exit(130);
            }
            tracing::info!("ending; once more ends at once");
            shutdown.cancel();
        }
    };
    tokio::spawn(tracing::Instrument::instrument(wait, tracing::info_span!("signals")));
    Ok(())
}
