//! Wakes the engine's idle peers.
//!
//! When no wish is open the engine lets each peer's requester sleep for 5 seconds, and neither a new stream nor a
//! seek wakes it: every seek into something that is not here cost 2.7 to 5 seconds before the first request went
//! out. What does wake all requesters is a peer that goes away with a request unanswered: its piece is free again.
//! So, to wake them, we are that peer: a loopback connection to the engine's own listener that offers every piece,
//! waits for the first request, and hangs up. It takes a few milliseconds, and the piece goes to the real peers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::info_hash::InfoHash;

/// Least time between two wake-ups of a torrent.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the engine may take to send a request before we hang up anyway.
const PATIENCE: Duration = Duration::from_millis(500);
/// Largest message that is read: the engine's bitfield, one bit a piece.
const MAX_MESSAGE: u32 = 1 << 20;

/// Wakes the idle peers of one torrent, until it is dropped.
#[derive(Debug)]
pub(super) struct Waker {
    asked: Arc<Notify>,
    token: CancellationToken,
}

impl Waker {
    /// Starts the task; `engine` is the engine's listener.
    pub(super) fn start(engine: Option<SocketAddr>, info_hash: InfoHash, pieces: u32) -> Self {
        let asked = Arc::new(Notify::new());
        let token = CancellationToken::new();
        if let Some(engine) = engine {
            let work = run(engine, info_hash, pieces, Arc::clone(&asked));
            let work = token.clone().run_until_cancelled_owned(work);
            tokio::spawn(tracing::Instrument::instrument(work, tracing::debug_span!("wake", %info_hash)));
        }
        Self { asked, token }
    }

    /// Wakes the peers; returns at once.
    pub(super) fn wake(&self) {
        self.asked.notify_one();
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

async fn run(engine: SocketAddr, info_hash: InfoHash, pieces: u32, asked: Arc<Notify>) {
    // The engine remembers every address a peer ever came from: ours stays the same.
    let mut source = match engine.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    loop {
        asked.notified().await;
        let started = Instant::now();
        let result = timeout(PATIENCE, poke(engine, &mut source, info_hash, pieces)).await;
        match result {
            Ok(Ok(())) => tracing::trace!(took = ?started.elapsed(), "idle peers woken"),
            Ok(Err(error)) => tracing::trace!(%error, "no wake-up"),
            // Nothing to request: no peer is idle for want of waking.
            Err(_) => tracing::trace!("nothing was requested"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn poke(
    engine: SocketAddr,
    source: &mut SocketAddr,
    info_hash: InfoHash,
    pieces: u32,
) -> std::io::Result<()> {
    let mut stream = connect(engine, source).await?;
    let mut message = Vec::with_capacity(100 + pieces as usize / 8);
    // Handshake (BEP 3): protocol, no extensions, infohash, a peer id that says who we are.
    message.extend_from_slice(b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0");
    message.extend_from_slice(&info_hash.bytes());
    message.extend_from_slice(b"-TS0001-wakesidlers.");
    // bitfield: all pieces, spare bits zero.
    let length = pieces.div_ceil(8);
    message.extend_from_slice(&(1 + length).to_be_bytes());
    message.push(5);
    message.resize(message.len() + length as usize, 0xff);
    if let (Some(last), spare @ 1..) = (message.last_mut(), length * 8 - pieces) {
        *last <<= spare;
    }
    // unchoke
    message.extend_from_slice(&[0, 0, 0, 1, 1]);
    stream.write_all(&message).await?;
    let mut handshake = [0; 68];
    stream.read_exact(&mut handshake).await?;
    loop {
        let length = stream.read_u32().await?;
        if length == 0 {
            continue;
        }
        if length > MAX_MESSAGE {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        // request: the piece is ours now, and free again when we hang up.
        if stream.read_u8().await? == 6 {
            return Ok(());
        }
        tokio::io::copy(&mut (&mut stream).take(u64::from(length - 1)), &mut tokio::io::sink()).await?;
    }
}

async fn connect(engine: SocketAddr, source: &mut SocketAddr) -> std::io::Result<TcpStream> {
    let open = |source: SocketAddr| {
        let socket = if engine.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(source)?;
        Ok::<_, std::io::Error>(socket)
    };
    // Somebody else may have taken the port meanwhile.
    let socket = open(*source).or_else(|_| open(SocketAddr::new(source.ip(), 0)))?;
    // Hanging up is a reset: nothing lingers, and the port is free for the next time.
    socket.set_zero_linger()?;
    let stream = socket.connect(engine).await?;
    *source = stream.local_addr()?;
    Ok(stream)
}
