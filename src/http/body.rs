//! Bodies that are sent while their bytes arrive.

use super::answer::{log, set};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use warp::Reply as _;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

/// The first read of a range is up to the next multiple of this, in bytes: a player can begin soon.
const FIRST_CHUNK: u64 = 256 * 1024;
/// Later reads are up to the next multiple of this.
const CHUNK: u64 = 1024 * 1024;

/// A piece of a file's body.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Bytes that are here.
    Text(Bytes),
    /// Bytes of the file.
    File(Range<u64>),
}

impl Part {
    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(range) => range.end.saturating_sub(range.start),
        }
    }
}

/// A response (200, no headers yet) whose body is `parts`, read as fast as the client takes them. The first bytes
/// are waited for up to `patience`.
///
/// # Errors
/// Those of the first read, when it fails within `patience`: nothing has been sent, and the client can be told.
pub(super) async fn of_parts(
    file: Arc<dyn RangeReader>,
    parts: Vec<Part>,
    shutdown: CancellationToken,
    patience: Duration,
) -> Result<Response, Error> {
    let state = FileBody { file, parts: parts.into(), first: true };
    let mut stream = Box::pin(futures::stream::try_unfold(state, FileBody::next).peekable());
    let failed = matches!(tokio::time::timeout(patience, stream.as_mut().peek()).await, Ok(Some(Err(_))));
    if failed && let Some(Err(error)) = stream.next().await {
        return Err(error);
    }
    Ok(respond(until(shutdown, stream.boxed())))
}

/// The answer to a HEAD when nobody knows the length: a stream, so that none is told, and it is never read.
pub(super) fn unknown_length(content_type: &'static str) -> Response {
    let mut response = respond(futures::stream::empty().boxed());
    set(&mut response, CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A response (200, no headers yet) that sends `head` at once and then the rest of what `whole` gives, which
/// begins with `head`.
pub(super) fn head_first(
    head: Bytes,
    whole: BoxFuture<'static, Result<Bytes, Error>>,
    shutdown: CancellationToken,
) -> Response {
    respond(until(shutdown, head_stream(head, whole)))
}

fn head_stream(
    head: Bytes,
    whole: BoxFuture<'static, Result<Bytes, Error>>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let first = head.clone();
    let rest = futures::stream::once(async move {
        let whole = whole.await?;
        if !whole.starts_with(&head) {
            return Err(Error::new(ErrorKind::Internal, "a segment does not begin with what was sent of it"));
        }
        Ok(whole.slice(head.len()..))
    });
    futures::stream::once(async move { Ok(first) }).chain(rest).boxed()
}

struct FileBody {
    file: Arc<dyn RangeReader>,
    parts: std::collections::VecDeque<Part>,
    /// Nothing of the current part has been read.
    first: bool,
}

impl FileBody {
    /// The next chunk, and what is left.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        let range = match self.parts.pop_front() {
            None => return Ok(None),
            Some(Part::Text(text)) => return Ok(Some((text, self))),
            Some(Part::File(range)) => range,
        };
        let step = if self.first { FIRST_CHUNK } else { CHUNK };
        let end = (range.start / step + 1).saturating_mul(step).min(range.end);
        // A short range is a player looking at something; a long one is a viewer, who will want what follows.
        if range.end - range.start > CHUNK {
            self.file.prefer(range.start);
        }
        let data = self.file.read(range.start..end).await?;
        self.first = end == range.end;
        if end < range.end {
            self.parts.push_front(Part::File(end..range.end));
        }
        Ok(Some((data, self)))
    }
}

/// Ends `stream` with an error at shutdown: an end without one would look like the end of the file.
fn until(
    shutdown: CancellationToken,
    stream: BoxStream<'static, Result<Bytes, Error>>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    futures::stream::unfold(Some((stream, shutdown)), |state| async move {
        let (mut stream, shutdown) = state?;
        let item = tokio::select! {
            biased;
            () = shutdown.cancelled() => Some(Err(Error::new(ErrorKind::Cancelled, "the server is shutting down"))),
            item = stream.next() => item,
        }?;
        let rest = item.is_ok().then_some((stream, shutdown));
        Some((item, rest))
    })
    .boxed()
}

fn respond(stream: BoxStream<'static, Result<Bytes, Error>>) -> Response {
    warp::reply::stream(SyncStream(Mutex::new(stream))).into_response()
}

/// warp wants streams that are `Sync`; this one is polled by one owner, so its lock is never contended.
struct SyncStream(Mutex<BoxStream<'static, Result<Bytes, Error>>>);

impl Stream for SyncStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let item = std::task::ready!(stream.as_mut().poll_next(context));
        if let Some(Err(error)) = &item {
            log(error); // nobody behind this point tells it: the connection is cut
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::fake::FakeFile;
    use futures::FutureExt as _;

    const SECOND: Duration = Duration::from_secs(1);

    /// The chunks until the end, or until the error.
    async fn read(stream: BoxStream<'static, Result<Bytes, Error>>) -> (Vec<Bytes>, Option<ErrorKind>) {
        let items: Vec<Result<Bytes, Error>> = stream.collect().await;
        let error = items.iter().find_map(|item| item.as_ref().err()).map(Error::kind);
        (items.into_iter().filter_map(Result::ok).collect(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_before_the_first_byte_is_an_error_and_no_body() {
        let file = Arc::new(FakeFile::counting(1000));
        let ask = |file: &Arc<FakeFile>| {
            let parts = vec![Part::File(0..1000)];
            of_parts(Arc::<FakeFile>::clone(file), parts, CancellationToken::new(), 10 * SECOND)
        };
        file.fail(Some(ErrorKind::Stalled));
        assert_eq!(ask(&file).await.unwrap_err().kind(), ErrorKind::Stalled);
        file.fail(None);
        // Headers do not wait for ever.
        file.set_delay(20 * SECOND);
        let before = tokio::time::Instant::now();
        let fine = ask(&file).await.unwrap();
        assert_eq!(before.elapsed(), 10 * SECOND);
        assert_eq!(fine.status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_goes_out_before_the_rest() {
        let whole = async {
            tokio::time::sleep(30 * SECOND).await;
            Ok(Bytes::from_static(b"head and rest"))
        };
        let mut stream = head_stream(Bytes::from_static(b"head"), whole.boxed());
        let before = tokio::time::Instant::now();
        assert_eq!(stream.next().await.unwrap().unwrap(), "head");
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(stream.next().await.unwrap().unwrap(), " and rest");
        assert!(stream.next().await.is_none());

        let other = async { Ok(Bytes::from_static(b"another one")) };
        let (chunks, error) = read(head_stream(Bytes::from_static(b"head"), other.boxed())).await;
        assert_eq!((chunks.len(), error), (1, Some(ErrorKind::Internal)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_and_the_shutdown_are_errors_and_no_ends() {
        let file = Arc::new(FakeFile::counting(3_000_000).delayed(SECOND));
        let open = |shutdown: &CancellationToken| {
            let state = FileBody {
                file: Arc::<FakeFile>::clone(&file),
                parts: vec![Part::File(0..3_000_000)].into(),
                first: true,
            };
            until(shutdown.clone(), futures::stream::try_unfold(state, FileBody::next).boxed())
        };
        let shutdown = CancellationToken::new();
        let (chunks, error) = read(open(&shutdown)).await;
        assert_eq!((chunks.concat().len(), error), (3_000_000, None));

        let cancel = async {
            tokio::time::sleep(SECOND * 3 / 2).await;
            shutdown.cancel();
        };
        let ((chunks, error), ()) = tokio::join!(read(open(&shutdown)), cancel);
        assert_eq!((chunks.len(), error), (1, Some(ErrorKind::Cancelled)));

        file.fail(Some(ErrorKind::Stalled));
        let (chunks, error) = read(open(&CancellationToken::new())).await;
        assert_eq!((chunks.len(), error), (0, Some(ErrorKind::Stalled)));
    }
}
