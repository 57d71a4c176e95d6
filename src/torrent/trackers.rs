//! Trackers that are added to torrents, and where the list of them comes from.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;

use super::magnet::is_tracker;
use crate::error::{Error, ErrorKind};

/// Public trackers that have been up for years; a torrent that names none still finds peers there.
pub const DEFAULT: [&str; 20] = [
    "udp://tracker.opentrackr.org:1337/announce",
    "udp://open.demonii.com:1337/announce",
    "udp://open.stealth.si:80/announce",
    "udp://tracker.torrent.eu.org:451/announce",
    "udp://exodus.desync.com:6969/announce",
    "udp://explodie.org:6969/announce",
    "udp://tracker.openbittorrent.com:6969/announce",
    "udp://tracker.tiny-vps.com:6969/announce",
    "udp://opentracker.io:6969/announce",
    "udp://tracker.dler.org:6969/announce",
    "udp://tracker.theoks.net:6969/announce",
    "udp://tracker.bittor.pw:1337/announce",
    "udp://tracker-udp.gbitt.info:80/announce",
    "udp://uploads.gamecoast.net:6969/announce",
    "udp://tracker.moeking.me:6969/announce",
    "udp://p4p.arenabg.com:1337/announce",
    "udp://bt1.archive.org:6969/announce",
    "https://tracker.gbitt.info:443/announce",
    "https://tracker.lilithraws.org:443/announce",
    "http://tracker.openbittorrent.com:80/announce",
];

/// Largest list that is read, in bytes.
const MAX_LIST: usize = 1 << 20;
/// Most trackers that are taken out of all lists together: each is asked for every torrent.
const MAX_TRACKERS: usize = 200;
/// How long a list may take to arrive.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// The default list.
pub fn default_list() -> Vec<String> {
    DEFAULT.iter().map(|&tracker| tracker.to_owned()).collect()
}

/// Makes a list of trackers out of what a user names: an existing file is read line by line; so is what a URL
/// ending in `.txt` (or of a page without `announce` in its path) gives; any other URL is itself a tracker.
/// Each tracker comes once; lines that are none are passed over.
///
/// # Errors
/// `BadRequest` for an entry that is neither, or a list that cannot be had or is larger than 1 MiB.
pub async fn load(list: &[String]) -> Result<Vec<String>, Error> {
    let mut trackers: Vec<String> = Vec::new();
    for entry in list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
        let lines = match kind(entry) {
            Kind::Tracker => entry.to_owned(),
            Kind::List => fetch(entry).await?,
            Kind::File => read(entry).await?,
        };
        for line in lines.lines().map(str::trim).filter(|line| is_tracker(line)) {
            if trackers.len() < MAX_TRACKERS && !trackers.iter().any(|known| known == line) {
                trackers.push(line.to_owned());
            }
        }
    }
    Ok(trackers)
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Tracker,
    List,
    File,
}

fn kind(entry: &str) -> Kind {
    if Path::new(entry).is_file() || !is_tracker(entry) {
        return Kind::File;
    }
    let Ok(url) = url::Url::parse(entry) else { return Kind::File };
    // "https://host/trackers_best.txt" is a list, "https://host/announce.php?key=1" a tracker.
    let path = url.path().to_ascii_lowercase();
    let list = url.scheme() != "udp" && (path.ends_with(".txt") || !path.contains("announce"));
    if list { Kind::List } else { Kind::Tracker }
}

async fn read(path: &str) -> Result<String, Error> {
    let fail = |text: &str| Error::new(ErrorKind::BadRequest, format!("the tracker list {path} {text}"));
    let length =
        tokio::fs::metadata(path).await.map_err(|error| fail("cannot be read").caused_by(error))?.len();
    if length > MAX_LIST as u64 {
        return Err(fail("is larger than 1 MiB"));
    }
    tokio::fs::read_to_string(path).await.map_err(|error| fail("cannot be read").caused_by(error))
}

async fn fetch(url: &str) -> Result<String, Error> {
    let fail = |text: &str| Error::new(ErrorKind::BadRequest, format!("the tracker list {url} {text}"));
    super::tls::install();
    let client = reqwest::Client::builder()
        .timeout(FETCH_TIMEOUT)
        .build()
        .map_err(|error| fail("cannot be fetched").caused_by(error))?;
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut body = answer.map_err(|error| fail("cannot be fetched").caused_by(error))?.bytes_stream();
    let mut text = Vec::new();
    while let Some(part) = body.next().await {
        text.extend_from_slice(&part.map_err(|error| fail("cannot be fetched").caused_by(error))?);
        if text.len() > MAX_LIST {
            return Err(fail("is larger than 1 MiB"));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The trackers one torrent is announced to: its own first, then the injected ones, unless it is private. A private
/// torrent has one: the engine uses only one, and after a pause it would be any of them instead of the first.
pub(super) fn announce_list(own: &[String], injected: &[String], private: bool) -> Vec<String> {
    if private {
        return own.first().cloned().into_iter().collect();
    }
    let mut list = own.to_vec();
    for tracker in injected {
        if !list.contains(tracker) {
            list.push(tracker.clone());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn the_default_list_is_sound() {
        assert!(DEFAULT.iter().all(|tracker| is_tracker(tracker) && kind(tracker) == Kind::Tracker));
    }

    #[test]
    fn lists_and_trackers_are_told_apart() {
        assert_eq!(kind("https://h.example/trackers_best.txt"), Kind::List);
        assert_eq!(kind("https://h.example/lists/best"), Kind::List);
        assert_eq!(kind("https://h.example/announce.php?key=1"), Kind::Tracker);
        assert_eq!(kind("udp://h.example:80"), Kind::Tracker);
        assert_eq!(kind("/no/such/file"), Kind::File);
    }

    #[test]
    fn nothing_is_injected_into_a_private_torrent() {
        let own = ["http://a/announce".to_owned(), "http://b/announce".to_owned()];
        let injected = ["http://b/announce".to_owned(), "http://c/announce".to_owned()];
        assert_eq!(announce_list(&own, &injected, true), ["http://a/announce"]);
        assert_eq!(announce_list(&[], &injected, true), [""; 0]);
        assert_eq!(
            announce_list(&own, &injected, false),
            ["http://a/announce", "http://b/announce", "http://c/announce"]
        );
    }

    #[tokio::test]
    async fn files_are_read_line_by_line() {
        let path = std::env::temp_dir().join(format!("torrentstream-trackers-{}", std::process::id()));
        std::fs::write(
            &path,
            "# best\nudp://a.example:1/announce\r\n\n  http://b.example/announce\nnonsense\n",
        )
        .unwrap();
        let path = path.to_str().unwrap().to_owned();
        let list = load(&[path.clone(), "udp://a.example:1/announce".into(), " ".into()]).await.unwrap();
        assert_eq!(list, ["udp://a.example:1/announce", "http://b.example/announce"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(load(&[path]).await.unwrap_err().kind(), ErrorKind::BadRequest);
    }

    #[tokio::test]
    async fn urls_are_fetched_within_bounds() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/list.txt", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            for body in ["udp://a.example:1/announce\n".to_owned(), "x".repeat(MAX_LIST + 1)] {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = client.read(&mut request).await.unwrap();
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                // The client may hang up before the end of what is too long.
                let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        assert_eq!(load(std::slice::from_ref(&url)).await.unwrap(), ["udp://a.example:1/announce"]);
        assert_eq!(load(std::slice::from_ref(&url)).await.unwrap_err().kind(), ErrorKind::BadRequest);
        server.await.unwrap();
        assert_eq!(load(&[url]).await.unwrap_err().kind(), ErrorKind::BadRequest);
    }
}
