//! librqbit's session, with the settings that a media server needs, and the only calls we make to it.

use std::io::SeekFrom;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use librqbit::api::TorrentIdOrHash;
use librqbit::storage::StorageFactoryExt;
use librqbit::{
    AddTorrent, AddTorrentOptions, AddTorrentResponse, ConnectionOptions, DhtSessionConfig, ListenerMode,
    ListenerOptions, ManagedTorrent, ManagedTorrentState, PeerConnectionOptions, Session, SessionOptions,
};
use librqbit_core::Id20;
use tokio::io::AsyncSeek;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::engine_storage::EngineStorage;
use super::info_hash::InfoHash;
use super::metainfo::Checked;
use super::options::TorrentOptions;
use super::store::Store;
use crate::error::{Error, ErrorKind};

/// What the engine may do at the same time that blocks. Each of its open streams holds one of these for its whole
/// life, and so does each write: with its default of 8, the eighth reader stops the download for ever.
const ENGINE_PERMITS: usize = 1024;
/// Reads that may have a claim at the same time. Together with the spare ones well below the above: writes and new
/// torrents always find a permit.
const MAX_CLAIMS: usize = 384;
/// Claims that only make things faster, and stay open without a read: nobody waits for one of these. Their own
/// number, so that however many torrents there are a read finds a permit.
const MAX_SPARE_CLAIMS: usize = 384;
/// 16 KiB requests that may be on their way from one peer. What is requested is not cancelled when a viewer seeks:
/// more makes seeks slow, less makes one fast peer slow (Transmission answers in ticks of 500 ms).
const REQUEST_WINDOW: usize = 64;
/// Peers of one torrent at the same time.
const MAX_PEERS: usize = 100;

/// A torrent in the engine.
pub(super) type Handle = Arc<ManagedTorrent>;

/// The engine that all torrents share.
pub(super) struct Engine {
    session: Arc<Session>,
    claims: Arc<Semaphore>,
    spare_claims: Arc<Semaphore>,
}

/// Metadata that peers have sent, unchecked.
pub(super) struct Resolved {
    pub(super) torrent: Bytes,
    pub(super) peers: Vec<SocketAddr>,
}

/// A wish for the 32 MiB after a position of a file; dropping it takes the wish back.
///
/// It is one of the engine's streams, never read from: reads go to our own store. The engine knows no other way of
/// telling it what is urgent.
pub(super) struct Claim {
    stream: Box<dyn AsyncSeek + Send + Sync + Unpin>,
    _permit: OwnedSemaphorePermit,
}

impl Claim {
    /// Moves the wish; a position past the end is the end.
    pub(super) fn seek(&mut self, position: u64) {
        // It fails only past the end, and the wish then stays where it is.
        let _ = Pin::new(&mut *self.stream).start_seek(SeekFrom::Start(position));
    }
}

impl Engine {
    /// Starts the session; it ends with `token`.
    pub(super) async fn start(options: &TorrentOptions, token: CancellationToken) -> Result<Self, Error> {
        super::tls::install();
        // The engine's default for a media server's many connections; failing is no harm.
        if let Err(error) = librqbit::try_increase_nofile_limit() {
            tracing::debug!("the limit of open files stays as it is: {error:#}");
        }
        let mut failure = None;
        for address in listen_addresses(options) {
            let settings = session_options(options, address, token.child_token());
            match Session::new_with_opts(options.dir.clone(), settings).await {
                Ok(session) => {
                    tracing::info!(peers = ?session.listen_addr(), offline = options.offline, "torrent engine started");
                    return Ok(Self {
                        session,
                        claims: Arc::new(Semaphore::new(MAX_CLAIMS)),
                        spare_claims: Arc::new(Semaphore::new(MAX_SPARE_CLAIMS)),
                    });
                }
                Err(error) => failure = Some(error),
            }
        }
        let error = Error::new(ErrorKind::Internal, "the torrent engine cannot start");
        Err(match failure {
            Some(failure) => error.caused_by(failure),
            None => error,
        })
    }

    /// Where our own listener is reached from this machine.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        let mut address = self.session.listen_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Some(address)
    }

    /// Gets a magnet's metadata from peers, once; ends with an error when all known peers have failed.
    ///
    /// The engine has no time limit of its own, and ends when the returned future is dropped.
    pub(super) async fn resolve(&self, link: String, peers: Vec<SocketAddr>) -> Result<Resolved, Error> {
        // `list_only`: nothing is added before we have checked the metadata.
        let options = AddTorrentOptions { list_only: true, initial_peers: Some(peers), ..Default::default() };
        let session = Arc::clone(&self.session);
        let add = async move { session.add_torrent(AddTorrent::from_url(link), Some(options)).await };
        match guarded("resolve", add).await? {
            AddTorrentResponse::ListOnly(list) => {
                Ok(Resolved { torrent: list.torrent_bytes, peers: list.seen_peers })
            }
            _ => Err(Error::new(ErrorKind::Internal, "the torrent is in the engine already")),
        }
    }

    /// Adds a checked torrent on demand: nothing is fetched but what is claimed.
    pub(super) async fn add(
        &self,
        checked: &Checked,
        trackers: Vec<String>,
        peers: Vec<SocketAddr>,
        store: Arc<Store>,
        folder: String,
    ) -> Result<Handle, Error> {
        // The engine answers a second add with the first one's torrent and ignores the new options.
        self.delete(&checked.info_hash).await;
        let options = AddTorrentOptions {
            // No file is selected; the engine fetches what its streams wish for all the same.
            only_files: Some(Vec::new()),
            overwrite: true,
            // Its own default is a folder by the torrent's name, which two torrents can share.
            output_folder: Some(folder),
            trackers: Some(trackers),
            initial_peers: Some(peers),
            storage_factory: Some(EngineStorage::new(store).boxed()),
            ..Default::default()
        };
        let session = Arc::clone(&self.session);
        let bytes = checked.bare_torrent();
        let add = async move {
            let answer = session.add_torrent(AddTorrent::from_bytes(bytes), Some(options)).await?;
            let handle = answer.into_handle().ok_or_else(|| anyhow::anyhow!("no handle"))?;
            handle.wait_until_initialized().await?;
            Ok(handle)
        };
        guarded("add", add).await
    }

    /// Takes a torrent out of the engine; files stay. False when it was not there.
    pub(super) async fn delete(&self, info_hash: &InfoHash) -> bool {
        let id = TorrentIdOrHash::Hash(Id20::new(info_hash.bytes()));
        self.session.get(id).is_some() && self.session.delete(id, false).await.is_ok()
    }

    /// Drops the torrent's peers.
    pub(super) async fn pause(&self, handle: &Handle) {
        if let Err(error) = self.session.pause(handle).await {
            tracing::debug!("not paused: {error:#}");
        }
    }

    /// Looks for peers again.
    pub(super) async fn unpause(&self, handle: &Handle) {
        if let Err(error) = self.session.unpause(handle).await {
            tracing::warn!("not resumed: {error:#}");
        }
    }

    /// A read's claim on `file`, at its start until it is moved. Waits while too many are open.
    pub(super) async fn claim(&self, handle: &Handle, file: usize) -> Result<Claim, Error> {
        let permit = Arc::clone(&self.claims).acquire_owned().await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the torrent engine takes no more reads").caused_by(error)
        })?;
        open_claim(handle, file, permit).await
    }

    /// A claim that one can do without, and that may stay open for long; none when too many are.
    pub(super) async fn spare_claim(&self, handle: &Handle, file: usize) -> Result<Option<Claim>, Error> {
        match Arc::clone(&self.spare_claims).try_acquire_owned() {
            Ok(permit) => open_claim(handle, file, permit).await.map(Some),
            Err(_) => Ok(None),
        }
    }
}

async fn open_claim(handle: &Handle, file: usize, permit: OwnedSemaphorePermit) -> Result<Claim, Error> {
    let stream = Arc::clone(handle).stream(file).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "the torrent engine opens no stream").caused_by(error)
    })?;
    Ok(Claim { stream: Box::new(stream), _permit: permit })
}

/// Why the engine has given up on a torrent, when it has.
pub(super) fn failure(handle: &Handle) -> Option<String> {
    handle.with_state(|state| match state {
        ManagedTorrentState::Error(error) => Some(format!("{error:#}")),
        _ => None,
    })
}

/// Where to listen: the first of these that can be bound to.
fn listen_addresses(options: &TorrentOptions) -> Vec<SocketAddr> {
    let (any4, any6) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let address = match options.listen {
        Some(address) => address,
        None if options.offline => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        None => SocketAddr::new(any6, 0),
    };
    let mut addresses = vec![address];
    // A machine without IPv6 cannot bind to its wildcard.
    if address.ip() == any6 {
        addresses.push(SocketAddr::new(any4, address.port()));
    }
    addresses
}

fn session_options(options: &TorrentOptions, listen: SocketAddr, token: CancellationToken) -> SessionOptions {
    SessionOptions {
        // Without persistence: the default writes to the user's configuration folder.
        dht: (!options.offline).then(|| DhtSessionConfig { persistence: None, ..Default::default() }),
        disable_local_service_discovery: options.offline,
        // A listener also when offline: `wake` needs it, and a second instance may dial us.
        listen: Some(ListenerOptions {
            // The engine dials over uTP only when it listens on it.
            mode: if options.offline { ListenerMode::TcpOnly } else { ListenerMode::TcpAndUtp },
            listen_addr: listen,
            enable_upnp_port_forwarding: !options.offline,
            ipv4_only: listen.is_ipv4(),
            ..Default::default()
        }),
        connect: Some(ConnectionOptions {
            peer_opts: Some(PeerConnectionOptions {
                connect_timeout: Some(Duration::from_secs(5)),
                // The default of 10 s drops peers while a player is paused, and redials them ever later.
                read_write_timeout: Some(Duration::from_secs(300)),
                max_request_window: Some(REQUEST_WINDOW),
                ..Default::default()
            }),
            ..Default::default()
        }),
        runtime_worker_threads: Some(ENGINE_PERMITS),
        peer_limit: Some(MAX_PEERS),
        cancellation_token: Some(token),
        // Without IPv6 on this machine the DHT cannot bind to its wildcard.
        ipv4_only: listen.is_ipv4() && listen.ip().is_unspecified(),
        // No session trackers: they would be asked about private torrents' magnets as well.
        // No persistence and no fast resume: that takes damaged pieces for good ones.
        ..Default::default()
    }
}

/// Runs what may panic on hostile metadata in a task of its own, so that the panic ends there. The task ends when
/// this future is dropped.
async fn guarded<T: Send + 'static>(
    what: &'static str,
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> Result<T, Error> {
    let mut tasks = JoinSet::new();
    tasks.spawn(tracing::Instrument::instrument(work, tracing::debug_span!("engine", what)));
    match tasks.join_next().await {
        Some(Ok(Ok(value))) => Ok(value),
        Some(Ok(Err(error))) => {
            Err(Error::new(ErrorKind::Stalled, "the torrent engine failed").caused_by(error))
        }
        Some(Err(error)) => {
            Err(Error::new(ErrorKind::Internal, "the torrent engine broke on this torrent").caused_by(error))
        }
        None => Err(Error::new(ErrorKind::Internal, "the torrent engine's task is gone")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_stays_in_its_task() {
        let error = guarded("test", async { panic!("on purpose") as anyhow::Result<()> }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    #[test]
    fn a_machine_without_ipv6_listens_all_the_same() {
        let listen = |offline, listen: Option<&str>| {
            let listen = listen.map(|address| address.parse().unwrap());
            let options = TorrentOptions { offline, listen, ..Default::default() };
            listen_addresses(&options).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(listen(false, None), ["[::]:0", "0.0.0.0:0"]);
        assert_eq!(listen(false, Some("[::]:6881")), ["[::]:6881", "0.0.0.0:6881"]);
        assert_eq!(listen(true, None), ["127.0.0.1:0"]);
        assert_eq!(listen(false, Some("[::1]:6881")), ["[::1]:6881"]);
        assert_eq!(listen(false, Some("192.0.2.1:6881")), ["192.0.2.1:6881"]);
    }

    #[test]
    fn offline_talks_to_nobody() {
        let options = TorrentOptions { offline: true, ..Default::default() };
        let settings =
            session_options(&options, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), CancellationToken::new());
        assert!(
            settings.dht.is_none()
                && settings.disable_local_service_discovery
                && settings.trackers.is_empty()
        );
        let listen = settings.listen.unwrap();
        assert!(listen.listen_addr.ip().is_loopback() && !listen.enable_upnp_port_forwarding);
    }
}
