//! Content types by file extension.

/// Extensions (lower case), content type.
const TYPES: &[(&[&str], &str)] = &[
    (&["mp4", "m4v"], "video/mp4"),
    (&["mkv", "mk3d"], "video/x-matroska"),
    (&["webm"], "video/webm"),
    (&["mov", "qt"], "video/quicktime"),
    (&["avi", "divx"], "video/x-msvideo"),
    (&["ts", "m2ts", "mts", "trp"], "video/mp2t"),
    (&["mpg", "mpeg", "mpe", "m1v", "m2v", "vob", "mod"], "video/mpeg"),
    (&["wmv"], "video/x-ms-wmv"),
    (&["asf"], "video/x-ms-asf"),
    (&["flv", "f4v"], "video/x-flv"),
    (&["3gp"], "video/3gpp"),
    (&["3g2"], "video/3gpp2"),
    (&["ogv", "ogm"], "video/ogg"),
    (&["rm", "rmvb"], "application/vnd.rn-realmedia"),
    (&["mp3"], "audio/mpeg"),
    (&["m4a", "m4b"], "audio/mp4"),
    (&["mka"], "audio/x-matroska"),
    (&["aac"], "audio/aac"),
    (&["ac3"], "audio/ac3"),
    (&["eac3", "ec3"], "audio/eac3"),
    (&["dts"], "audio/vnd.dts"),
    (&["flac"], "audio/flac"),
    (&["ogg", "oga", "opus"], "audio/ogg"),
    (&["wav"], "audio/wav"),
    (&["wma"], "audio/x-ms-wma"),
    (&["aif", "aiff"], "audio/aiff"),
    (&["ape"], "audio/x-ape"),
    (&["srt"], "application/x-subrip"),
    (&["vtt"], "text/vtt; charset=utf-8"),
    (&["ass", "ssa"], "text/x-ssa"),
    (&["sub", "idx"], "text/plain"),
    (&["ttml", "dfxp"], "text/plain; charset=utf-8"), // XML, in which a browser might run a script
    (&["sup"], "application/octet-stream"),
    (&["mks"], "application/x-matroska"),
    (&["m3u8"], "application/vnd.apple.mpegurl"),
    (&["m3u"], "audio/x-mpegurl"),
    (&["txt", "nfo", "md", "log"], "text/plain; charset=utf-8"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["png"], "image/png"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
    (&["bmp"], "image/bmp"),
    (&["avif"], "image/avif"),
    (&["ttf"], "font/ttf"),
    (&["otf"], "font/otf"),
    (&["ttc", "otc"], "font/collection"),
    (&["woff"], "font/woff"),
    (&["woff2"], "font/woff2"),
    (&["pdf"], "application/pdf"),
    (&["epub"], "application/epub+zip"),
    (&["zip"], "application/zip"),
    (&["rar"], "application/vnd.rar"),
    (&["7z"], "application/x-7z-compressed"),
    (&["iso"], "application/x-iso9660-image"),
    (&["torrent"], "application/x-bittorrent"),
];

/// The content type for a file of this name. Never one that a browser would run, such as HTML or SVG: the
/// files are strangers', and they come from the server's own origin.
pub(super) fn content_type(name: &str) -> &'static str {
    let Some(extension) = extension(name) else { return "application/octet-stream" };
    TYPES
        .iter()
        .find(|(extensions, _)| extensions.contains(&extension.as_str()))
        .map_or("application/octet-stream", |(_, content_type)| content_type)
}

fn extension(name: &str) -> Option<String> {
    let name = name.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && extension.len() <= 8).then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_extension() {
        assert_eq!(content_type("Film/a.b.MKV"), "video/x-matroska");
        assert_eq!(content_type("a.mp4"), "video/mp4");
        assert_eq!(content_type("a.srt"), "application/x-subrip");
        assert_eq!(content_type("a.html"), "application/octet-stream");
        assert_eq!(content_type("dir.mp4/name"), "application/octet-stream");
        assert_eq!(content_type(".mp4"), "application/octet-stream");
        assert_eq!(content_type(""), "application/octet-stream");
    }

    #[test]
    fn no_extension_twice() {
        let mut all: Vec<&str> =
            TYPES.iter().flat_map(|(extensions, _)| extensions.iter().copied()).collect();
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
