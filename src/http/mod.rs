//! The HTTP server: routes, and nothing else. The only place that names warp.
//!
//! ```text
//! add         POST /add, POST /torrents
//! torrents    GET /torrents, GET /status/{ih}, DELETE /remove/{ih}
//! progress    GET /progress/{ih}/{idx}, POST /prioritize
//! hls         /hls/{ih}/{idx}/[seek/{seconds}/](master.m3u8 | playlist.m3u8 | segmentNNN.ts | ...)
//! stream      /stream/{ih}/{idx}[/{name}], /stream?magnet=
//! m3u         GET /playlist/{ih}.m3u
//! subtitles   GET /subtitles/{ih}/{idx}[/{name}]
//! probe       GET /probe/{ih}/{idx}
//! site        GET /, its script and style, GET /health
//! find        what a path names: torrents and files
//! answer      results become responses; error kinds become statuses
//! body, receive, range, mime, cors
//! ```
//!
//! Handlers give `Result<Response, Error>`; `answer::answer` runs every one of them. A warp rejection only
//! ever means "no such route".

mod add;
mod answer;
mod body;
mod cors;
mod find;
mod hls;
mod m3u;
mod mime;
mod probe;
mod progress;
mod range;
mod receive;
mod site;
mod stream;
mod subtitles;
mod torrents;

use crate::error::{Error, ErrorKind};
use crate::playback::Playbacks;
use crate::torrent::Torrents;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::ALLOW;
use warp::reply::Response;

/// How long the server may go on after the shutdown began; all handlers end at once, the rest is sockets.
const SHUTDOWN: Duration = Duration::from_millis(800);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long a request may wait before there is an answer.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the metadata, on the routes of a player that asks again.
    pub metadata: Duration,
    /// For the metadata, on `/stream` and `/playlist`, whose clients do not ask again.
    pub metadata_for_stream: Duration,
    /// For a file's index, before its playlist can be told.
    pub index: Duration,
    /// For a file's index, when a segment is asked for.
    pub index_for_segment: Duration,
    /// For a segment, before its first bytes are sent alone.
    pub segment: Duration,
    /// For the first bytes of `/stream`, before its headers are sent alone.
    pub stream: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(5),
            metadata_for_stream: Duration::from_secs(60),
            // hls.js gives up on a playlist after 20 s and asks once more after a 503.
            index: Duration::from_secs(18),
            // AVPlayer gives up on a segment without headers after 3.5 s, and survives a 503.
            index_for_segment: Duration::from_secs(3),
            segment: Duration::from_millis(100),
            // Longer than a read waits for its next byte by default: when none comes, that is told as a 503.
            stream: Duration::from_secs(90),
        }
    }
}

/// What the routes work on.
#[derive(Clone)]
pub struct App {
    torrents: Torrents,
    playbacks: Playbacks,
    patience: Patience,
    shutdown: CancellationToken,
    /// Bodies that are being received; each may be large.
    uploads: Arc<Semaphore>,
    origins: cors::Origins,
    /// Multivariant playlists name key pictures also for clients that do not ask for them.
    iframes: bool,
}

impl App {
    /// The server's parts; `shutdown` ends every request.
    pub fn new(torrents: Torrents, playbacks: Playbacks, shutdown: CancellationToken) -> Self {
        let uploads = Arc::new(Semaphore::new(receive::UPLOADS_AT_A_TIME));
        Self {
            torrents,
            playbacks,
            patience: Patience::default(),
            shutdown,
            uploads,
            origins: cors::Origins::default(),
            iframes: false,
        }
    }

    /// The same, but multivariant playlists name key pictures also when a client does not ask for them.
    #[must_use]
    pub const fn with_iframes(mut self, iframes: bool) -> Self {
        self.iframes = iframes;
        self
    }

    /// The same, but only pages of these origins may use it; `*` stands for all, as by default.
    #[must_use]
    pub fn with_origins(mut self, origins: Vec<String>) -> Self {
        self.origins = cors::Origins::only(origins);
        self
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }
}

/// A listener on `address` for [`serve`].
///
/// # Errors
/// `Storage` when the address is taken or not ours: the machine is at fault.
pub fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a restart need not wait for old connections. Not on Windows, where it means something else.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Inherited by the connections: the last small packet of an answer must not wait for the one before.
        socket.set_nodelay(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| {
        Error::new(ErrorKind::Storage, format!("cannot listen on {address}")).caused_by(error)
    })
}

/// Serves until `shutdown`, and then at most one second longer.
///
/// # Errors
/// `Internal` when the listener is of no use.
pub async fn serve(listener: TcpListener, app: App, shutdown: CancellationToken) -> Result<(), Error> {
    let address = listener
        .local_addr()
        .map_err(|error| Error::new(ErrorKind::Internal, "the listener is of no use").caused_by(error))?;
    tracing::info!(%address, "listening");
    let server =
        warp::serve(routes(app)).incoming(listener).graceful(shutdown.clone().cancelled_owned()).run();
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN).await;
    };
    tokio::select! {
        () = server => tracing::debug!("all connections ended"),
        () = too_late => tracing::debug!("connections cut at shutdown"),
    }
    Ok(())
}

/// All routes: for [`serve`], and for tests without sockets. Never rejects.
pub fn routes(app: App) -> BoxedFilter<(Response,)> {
    let found = add::routes(&app)
        .or(torrents::routes(&app))
        .unify()
        .or(progress::routes(&app))
        .unify()
        .or(hls::routes(&app))
        .unify()
        .or(stream::routes(&app))
        .unify()
        .or(m3u::routes(&app))
        .unify()
        .or(probe::routes(&app))
        .unify()
        .or(subtitles::routes(&app))
        .unify()
        .or(site::routes(&app))
        .unify()
        .boxed();
    cors::wrap(found.recover(not_found).unify().boxed(), app.origins)
}

/// For a request that no route takes.
async fn not_found(rejection: warp::Rejection) -> Result<Response, std::convert::Infallible> {
    Ok(if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        let mut response = answer::message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        // RFC 9110 15.5.6 asks for a list; which route was meant is not known here.
        answer::set(&mut response, ALLOW, cors::METHODS);
        response
    } else {
        answer::message(StatusCode::NOT_FOUND, "No such page")
    })
}

/// The route's own copy of the app.
fn with(app: &App) -> impl Filter<Extract = (App,), Error = std::convert::Infallible> + Clone + use<> {
    let app = app.clone();
    warp::any().map(move || app.clone())
}

/// The query string; empty when there is none.
fn raw_query() -> impl Filter<Extract = (String,), Error = std::convert::Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// GET and HEAD, for answers that cost nothing: the body of a HEAD's is left out on the way.
fn reading() -> impl Filter<Extract = (), Error = warp::Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}

/// GET and HEAD; HEAD answers true.
fn get_or_head() -> impl Filter<Extract = (bool,), Error = warp::Rejection> + Clone {
    warp::get().map(|| false).or(warp::head().map(|| true)).unify()
}
