//! All readers and the writer together.

use super::*;

fn shown(file: &str, format: FileFormat) -> Vec<(i64, i64, String)> {
    let document = Document::parse(file.as_bytes(), format, None).unwrap();
    let cue = |cue: &Cue| {
        let mut text = String::new();
        write::payload(&cue.text, &mut text);
        write::settings(&cue.settings, &mut text);
        (clock::millis(cue.start), clock::millis(cue.end), text)
    };
    document.cues().iter().map(cue).collect()
}

fn srt_text(text: &str) -> String {
    let cues = shown(&format!("1\n00:00:01,000 --> 00:00:02,000\n{text}\n"), FileFormat::Srt);
    cues.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>().join(" | ")
}

fn ass_text(text: &str) -> String {
    let file = "[Script Info]\nPlayResX: 1000\nPlayResY: 500\n[V4+ Styles]\n\
        Format: Name, Bold, Italic, Underline, Alignment\nStyle: Default,0,0,0,2\nStyle: Sign,-1,0,0,8\n\
        [Events]\nFormat: Layer, Start, End, Style, Text\n";
    let cues = shown(&format!("{file}Dialogue: 0,0:00:01.00,0:00:02.00,{text}\n"), FileFormat::Ass);
    cues.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>().join(" | ")
}

#[test]
fn subrip_as_it_should_be() {
    let cues = shown(
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nHello\r\nworld\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nBye\r\n",
        FileFormat::Srt,
    );
    assert_eq!(cues, [(1000, 2500, "Hello\nworld".into()), (3000, 4000, "Bye".into())]);
}

#[test]
fn subrip_as_it_is_found() {
    let cues = shown(
        "\u{feff}\n\n17\n0:00:01.000-->00:00:02,500 X1:10 X2:20\nNo empty line behind\n3\n00:00:03,000 --> 00:00:04,000\n\
         one\n\nthree\n00:00:05,000 --> 00:00:06,000\n1984\n\n5\n00:00:07,000 --> 00:00:07,000\nnever\n\n\
         6\n00:00:09,000 --> 00:00:08,000\nopen\n\n\n7",
        FileFormat::Srt,
    );
    let wanted = [
        (1000, 2500, "No empty line behind"),
        (3000, 4000, "one\nthree"),
        (5000, 6000, "1984"),
        (9000, 14_000, "open"),
    ];
    assert_eq!(cues, wanted.map(|(start, end, text)| (start, end, text.to_owned())));
}

#[test]
fn subrip_tags() {
    for (text, wanted) in [
        ("<i>a</i> <B>b</B> <u>c", "<i>a</i> <b>b</b> <u>c</u>"),
        ("<font color=\"#ff0000\">red</font><br/>next", "red\nnext"),
        ("{\\an8}top", "top line:0"),
        ("{\\i1}a{\\i0}b {y:i}c {not}", "<i>a</i>b c {not}"),
        ("3 < 4 > 2 & <3 &amp; &lt;i&gt;", "3 &lt; 4 &gt; 2 &amp; &lt;3 &amp; &lt;i&gt;"),
        ("<i>a\nb</i>", "<i>a\nb</i>"),
        ("a --> b", "a --&gt; b"),
        ("<unknown>x</unknown>", "&lt;unknown&gt;x&lt;/unknown&gt;"),
        ("one\\Ntwo\\hthree", "one\ntwo\u{a0}three"),
    ] {
        assert_eq!(srt_text(text), wanted, "{text}");
    }
}

#[test]
fn ass_is_reduced() {
    for (line, wanted) in [
        ("Default,Hello\\Nworld", "Hello\nworld"),
        ("Default,{\\i1}a{\\i0}b{\\b1}c{\\b}d", "<i>a</i>b<b>c</b>d"),
        ("Sign,a{\\b0}b{\\r}c", "<b>a</b>b<b>c</b> line:0"),
        ("Default,{\\an5}a", "a line:45%"),
        ("Default,{\\an1}a", "a align:start"),
        ("Default,{\\an8\\pos(500,50)}a", "a line:10% position:50%"),
        ("Default,{\\pos(250,450)}a", "a line:84.67% position:25%"),
        ("Default,{\\a6}a", "a line:0"),
        ("Default,{\\p1}m 0 0 l 10 10{\\p0}text", "text"),
        ("Default,{\\k20}ka{\\kf30}ra{\\bord2\\be1\\blur3}o{comment}ke", "karaoke"),
        ("Default,{\\t(0,500,\\i1)}still", "still"),
        ("Default,{\\c&H00FF00&}a, b, c", "a, b, c"),
        ("Default,a {unclosed", "a {unclosed"),
        ("Missing,a\\hb", "a\u{a0}b"),
        ("Default,<i>& no tag", "&lt;i&gt;&amp; no tag"),
    ] {
        assert_eq!(ass_text(line), wanted, "{line}");
    }
}

#[test]
fn ass_events() {
    let cues = shown(
        "[Script Info]\n; comment\n[V4 Styles]\nFormat: Name, Alignment, Italic\nStyle: *Default,6,-1\n[Events]\n\
         Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
         Comment: Marked=0,0:00:00.00,0:00:01.00,Default,,0,0,0,,no\n\
         Dialogue: Marked=0,0:00:02.00,0:00:03.00,Default,,0,0,0,,b\n\
         Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,a\n\
         Dialogue: Marked=0,0:00:03.00,0:00:03.04,Default,,0,0,0,,b\n\
         Dialogue: Marked=0,0:00:03.04,0:00:03.08,Default,,0,0,0,,b\n",
        FileFormat::Ssa,
    );
    let wanted = [(1000, 2000, "<i>a</i> line:0"), (2000, 3080, "<i>b</i> line:0")];
    assert_eq!(
        cues,
        wanted.map(|(start, end, text)| (start, end, text.to_owned())),
        "one line of several frames"
    );
}

#[test]
fn webvtt_is_kept() {
    let cues = shown(
        "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE a --> b\n\nREGION\nid:x\n\nid\n\
         00:01.000 --> 00:02.000 line:85%,end position:10%,line-left size:50.5% align:start region:x\n\
         <v.loud Bob & Co>Hi</v> <c.yellow.bg_blue>there</c> <lang en-GB>you</lang> &amp; <00:01.500><ruby>a<rt>b</rt></ruby>\n\n\
         1:00:00.000 --> 1:00:01.000\n<b>open <i>tags\n",
        FileFormat::WebVtt,
    );
    let wanted = [
        (
            1000,
            2000,
            "<v Bob &amp; Co>Hi</v> <c.yellow.bg_blue>there</c> <lang en-GB>you</lang> &amp; <ruby>a<rt>b</rt></ruby> \
             line:85%,end position:10%,line-left size:50.50% align:start",
        ),
        (3_600_000, 3_601_000, "<b>open <i>tags</i></b>"),
    ];
    assert_eq!(cues, wanted.map(|(start, end, text)| (start, end, text.to_owned())));
}

/// A sample of 3GPP timed text: its text, and a style box with runs (start, end, face).
fn tx3g_sample(text: &[u8], runs: &[(u16, u16, u8)]) -> Vec<u8> {
    let mut sample = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    sample.extend(text);
    // A box that is not understood comes first.
    sample.extend(b"\0\0\0\x0atbox\0\0");
    let count = u16::try_from(runs.len()).unwrap();
    sample.extend((10 + 12 * u32::from(count)).to_be_bytes());
    sample.extend(b"styl");
    sample.extend(count.to_be_bytes());
    for (start, end, face) in runs {
        sample.extend(start.to_be_bytes());
        sample.extend(end.to_be_bytes());
        sample.extend([0, 1, *face, 18, 255, 255, 255, 255]);
    }
    sample
}

fn payload_of(text: &Markup) -> String {
    let mut out = String::new();
    write::payload(text, &mut out);
    out
}

#[test]
fn timed_text_with_style_runs() {
    let shown = |sample: &[u8], style| payload_of(&tx3g::sample(sample, style));
    let plain = markup::Style::default();
    let runs = [(0, 1, 1), (1, 3, 2), (4, 9, 7)];
    let wanted = "<b>ä</b><i>bc</i> <b><i><u>d&lt;e</u></i></b>";
    assert_eq!(shown(&tx3g_sample("äbc d<e".as_bytes(), &runs), plain), wanted);
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain("Où\rça".encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(shown(&tx3g_sample(&utf16, &[]), plain), "Où\nça");
    let utf16: Vec<u8> = [0xfeff].into_iter().chain("Où".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(shown(&tx3g_sample(&utf16, &[]), plain), "Où");
    // The sample entry's style holds where no run says otherwise.
    let mut header = vec![0; 30];
    header[24] = 2;
    assert_eq!(shown(&tx3g_sample(b"a", &[]), tx3g::default_style(&header)), "<i>a</i>");
    assert_eq!(shown(&tx3g_sample(b"ab", &[(1, 2, 0)]), tx3g::default_style(&header)), "<i>a</i>b");
    for damaged in
        [&b""[..], b"\0", b"\0\0", b"\0\x09ab", b"\0\x01a\0\0\0\x0cstyl\0\x09", b"\0\x01a\0\0\0\x01styl"]
    {
        assert!(payload_of(&tx3g::sample(damaged, plain)).len() <= 2);
    }
}

#[test]
fn webvtt_in_boxes() {
    let wrap = |kind: &[u8; 4], payload: &[u8]| {
        let size = u32::try_from(payload.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, payload].concat()
    };
    let cue =
        [wrap(b"iden", b"7"), wrap(b"sttg", b"line:0 align:end"), wrap(b"payl", b"<i>a</i> & b")].concat();
    let sample = [wrap(b"vttc", &cue), wrap(b"vtta", b"note"), wrap(b"vttc", &wrap(b"payl", b"c"))].concat();
    let shown = |sample: &[u8]| {
        let cues = wvtt::sample(sample).into_iter();
        cues.map(|(settings, text)| {
            let mut out = payload_of(&text);
            write::settings(&settings, &mut out);
            out
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(shown(&sample), ["<i>a</i> &amp; b line:0 align:end", "c"]);
    assert_eq!(shown(&wrap(b"vtte", b"")), Vec::<String>::new());
    assert_eq!(shown(&sample[..20]), Vec::<String>::new(), "cut off");
}

#[test]
fn no_tag_ends_like_an_arrow() {
    let shown = |text: &str| payload_of(&webvtt::cue_text(text));
    assert_eq!(shown("<v Bob -->a</v>"), "<v Bob>a</v>");
    assert_eq!(shown("<v -- -->a</v>"), "a");
    assert_eq!(shown("<c.a.b--.-->a</c>"), "<c.a.b>a</c>");
    assert_eq!(shown("<c.-->a</c>"), "a");
    assert_eq!(shown("<lang en-->a</lang><lang -->b</lang>"), "<lang en>a</lang>b");
    assert_eq!(shown("<lang eng-us>c</lang>"), "<lang en-US>c</lang>");
    assert_eq!(shown("--<i>>a</i>"), "--<i>&gt;a</i>");
}

#[test]
fn webvtt_in_webm_has_its_settings_in_front() {
    let (settings, text) = webvtt::webm_block("id\nalign:start line:10%\n<b>two</b>\nlines");
    let mut out = payload_of(&text);
    write::settings(&settings, &mut out);
    assert_eq!(out, "<b>two</b>\nlines line:10% align:start");
    assert!(webvtt::webm_block("id").1.is_blank());
}

#[test]
fn blocks_of_ass_are_read_by_the_header_of_their_track() {
    let script = ass::Script::of_header("[V4+ Styles]\nFormat: Name, Italic\nStyle: Sign,-1\n\n[Events]\n");
    let (_, text) = script.block("12,0,Sign,,0,0,0,,One, two\\Nthree");
    assert_eq!(payload_of(&text), "<i>One, two\nthree</i>");
    assert!(script.block("12,0").1.is_blank());
}

#[test]
fn open_cues_end_with_the_next_and_repeated_ones_are_one() {
    let cue = |start: i64, end: i64, text: &str| Cue {
        start: Time90k(start),
        end: Time90k(end),
        settings: Settings::default(),
        text: srt::block(text).1,
    };
    let times = |document: Document| {
        let times = document.cues().iter().map(|cue| (cue.start.0, cue.end.0));
        times.collect::<Vec<_>>()
    };
    const OPEN: i64 = i64::MIN;
    let open = vec![cue(0, OPEN, "a"), cue(0, OPEN, "b"), cue(90_000, OPEN, "c"), cue(900_000, OPEN, "d")];
    let wanted = [(0, 90_000), (0, 90_000), (90_000, 540_000), (900_000, 1_350_000)];
    assert_eq!(times(Document::new(open)), wanted);
    let repeated =
        || vec![cue(0, 10, "a"), cue(5, 20, "a"), cue(20, 30, "a"), cue(31, 40, "a"), cue(5, 20, "b")];
    assert_eq!(times(Document::new(repeated())), [(0, 30), (5, 20), (31, 40)]);
    assert_eq!(times(Document::in_order(repeated())).len(), 5);
    assert_eq!(times(Document::in_order(vec![cue(0, 10, "a"), cue(0, 10, "a")])), [(0, 10)]);
    assert_eq!(
        times(Document::new(vec![cue(-20, -10, "a"), cue(-5, 5, "b"), cue(7, 7, "c"), cue(1, 2, " ")])),
        [(0, 5)]
    );
}

#[test]
fn what_is_no_text_is_refused() {
    let kind = |bytes: &[u8]| Document::parse(bytes, FileFormat::Srt, None).err().map(|error| error.kind);
    use crate::error::ErrorKind::{Limit, Malformed};
    assert_eq!(kind(b""), Some(Malformed));
    assert_eq!(kind(b"no times"), Some(Malformed));
    assert_eq!(kind(&[0x7f, b'E', b'L', b'F', 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0]), Some(Malformed));
    assert_eq!(kind(&vec![b'a'; MAX_FILE + 1]), Some(Limit));
    assert_eq!(kind("0:1-->0:2\na\n".repeat(MAX_CUES + 1).as_bytes()), Some(Limit));
}
