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
